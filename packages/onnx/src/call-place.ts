import { engine } from "@tensorflow/tfjs-core";

/** A stack frame of Node, of tfjs, or of this package and those it is made of; tests count as callers. */
const INSIDE =
  /node:|@tensorflow[/+\\]|tf-core|(@plseg|packages)[/\\](onnx|ops|tf-gradients)[/\\](src|dist)[/\\](?!.*[.]test[.])/;

/** Frames looked at: a gradient is some twenty calls below the line that asked for it. */
const DEPTH = 200;

/** Where a kernel was called from, in words: the function of tfjs, whether for a gradient, and the line outside tfjs. */
export function callPlace(): string {
  const names = engine().state.scopeStack.map(({ name }) => name);
  const operation = names.findLast((name) => name?.endsWith("__op"))?.slice(0, -"__op".length);
  const line = callers().find((frame) => !INSIDE.test(frame));
  const parts = [
    operation === undefined ? undefined : `in ${operation}`,
    names.includes("backward") ? "in the backward pass" : undefined,
    line === undefined ? undefined : `called at ${line}`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

/** The frames of the stack, innermost first. */
function callers(): string[] {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  const { stack = "" } = new Error("callPlace");
  Error.stackTraceLimit = limit;
  return stack.split("\n").flatMap((line) => /^\s+at (.+)$/.exec(line)?.[1] ?? []);
}
