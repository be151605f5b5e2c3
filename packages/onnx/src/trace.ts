import "@plseg/tf-gradients";
import { ConfigError, type Shape, UnsupportedOpError } from "@plseg/core";
import { engine, getBackend, registerBackend, removeBackend, setBackend, type Tensor } from "@tensorflow/tfjs-core";
import { TRACE_BACKEND, TraceBackend } from "./backend.js";
import { encodeModel } from "./encode.js";
import { byteLength, Graph, type Target, type Value } from "./graph.js";
import { castTo } from "./kernels/elementwise.js";
import { withLeanGradients } from "./lean-gradients.js";
import { constantsOf, liveNodes } from "./live-nodes.js";
import { peakBytes } from "./peak-bytes.js";
import { registerKernels } from "./register-kernels.js";
import { channelsFirstOrder, identityOrder, kernelOrder, materialize, plain, type Sym } from "./symbol.js";

/** How the numbers of an input or output lie in memory, compared with the shape that the function sees. */
export type Layout = "as-is" | "channels-first" | "kernel-first";

/** An input of a function to trace. */
export interface InputSpec {
  /** Shape that the function sees. */
  readonly shape: Shape;
  /** Element type; `float32` unless told. */
  readonly dtype?: "float32" | "int32" | "bool";
  /**
   * Layout of the numbers that the graph will be fed: `channels-first` feeds `[batch, channel, ...spatial]` where the
   * function sees `[batch, ...spatial, channel]`; `as-is` (the default) feeds what the function sees.
   */
  readonly layout?: Layout;
}

/** An input or output of a traced graph. */
export interface TracedValue {
  /** Under which ONNX Runtime knows it. */
  readonly name: string;
  /** Element type. */
  readonly dtype: "float32" | "int32" | "bool" | "uint16";
  /** Shape of the numbers that go in or come out. */
  readonly shape: Shape;
}

/** A traced function. */
export interface TracedModel {
  /** An ONNX file (opset 17). */
  readonly model: Uint8Array<ArrayBuffer>;
  /** What to feed, in the order given. */
  readonly inputs: readonly TracedValue[];
  /** What comes out, in the order returned. */
  readonly outputs: readonly TracedValue[];
  /** How many nodes of each operation the graph holds, and the bytes of its constants. */
  summary(): TraceSummary;
}

/** What a graph is made of, and what running it takes. */
export interface TraceSummary {
  /** Bytes of tensors held at the fullest moment of a run; what ONNX Runtime needs for itself comes on top. */
  readonly peakBytes: number;
  /** Number of ONNX nodes. */
  readonly nodes: number;
  /** Number of nodes by ONNX operation. */
  readonly operations: Readonly<Record<string, number>>;
  /** Bytes of the constants in the file. */
  readonly constantBytes: number;
}

/** How to trace. */
export interface TraceOptions {
  /** Layouts of outputs by name; those not named come out as the function returns them. */
  readonly outputLayouts?: Readonly<Record<string, Layout>>;
  /**
   * Outputs between 0 and 1, by name, that come out in 16 bits: as whole numbers, 65535 for 1, rounded. What is not a number
   * comes out as 0. For the CPU alone: WebGPU has no numbers of 16 bits.
   */
  readonly rounded?: readonly string[];
  /**
   * What will run the graph; `cpu` unless told. A graph for `gpu` has no operation that ONNX Runtime's WebGPU provider would
   * leave to the CPU. It gives the same numbers anywhere.
   */
  readonly target?: Target;
  /**
   * For the CPU: compute volumes a few planes at a time from one operation to the next, as far as they work plane by plane,
   * instead of each as a whole. Takes a part of the memory; meant for functions without gradients. An output that is made in
   * pieces comes out in pieces, named `name.0`, `name.1` and so on, if it is returned as `[batch, depth, channel, height, width]`.
   */
  readonly streamed?: boolean;
}

/**
 * Runs a function once on symbols and writes down what it does as an ONNX graph. Gradients (`grads`, `valueAndGrads`)
 * inside the function are written down too.
 *
 * The function must be pure: every number that changes from call to call comes in as an input, and no branch depends on
 * a number. Tensors it captures become constants. The tfjs backend in use is put back afterwards.
 *
 * @param fn - Takes the inputs by name and returns the outputs by name.
 * @param inputs - Shape and type of each input.
 * @throws UnsupportedOpError if the function reads numbers or uses an operation that cannot be traced; ConfigError if an
 * output has the name of an input, a layout does not fit, or `rounded` is wanted of a GPU.
 *
 * @example
 * ```ts
 * const { model } = trace(({ x }) => ({ y: softmax(x) }), { x: { shape: [1, 10] } });
 * ```
 */
export function trace<Inputs extends Readonly<Record<string, InputSpec>>>(
  fn: (inputs: { readonly [Name in keyof Inputs]: Tensor }) => Readonly<Record<string, Tensor>>,
  inputs: Inputs,
  { outputLayouts = {}, rounded = [], target = "cpu", streamed = false }: TraceOptions = {},
): TracedModel {
  if (target === "gpu" && rounded.length > 0)
    throw new ConfigError(
      `trace: outputs can be rounded for the CPU alone, got target "gpu" and rounded: ${rounded.join(", ")}. Leave rounded out.`,
    );
  const graph = new Graph(target, streamed && target === "cpu");
  const values = withTraceBackend((backend) =>
    backend.record(graph, () => {
      engine().startScope("trace");
      try {
        const named = Object.entries(inputs).map(([name, spec]) => [name, inputTensor(backend, graph, name, spec)]);
        const outputs = fn(Object.fromEntries(named));
        return Object.entries(outputs).flatMap(([name, tensor]) => {
          const value = laidOut(graph, backend.symbolOf(tensor), outputLayouts[name] ?? "as-is");
          const pieces = graph.pieces.get(value.name);
          const given = (part: Value): Value => (rounded.includes(name) ? inSixteenBits(graph, part) : part);
          return (
            pieces?.map((part, i) => ({ name: `${name}.${i}`, value: given(part) })) ?? [{ name, value: given(value) }]
          );
        });
      } finally {
        engine().endScope();
      }
    }),
  );
  checkNames(
    values.map(({ name }) => name),
    Object.keys(inputs),
  );
  const nodes = liveNodes(
    graph.nodes,
    values.map(({ value }) => value),
  );
  const constants = constantsOf(
    nodes,
    values.map(({ value }) => value),
  );
  return {
    model: encodeModel({ inputs: graph.inputs, nodes, constants, outputs: values }),
    inputs: graph.inputs.map((value) => traced(value.name, value)),
    outputs: values.map(({ name, value }) => traced(name, value)),
    summary: () => ({
      ...summarize(nodes, constants),
      peakBytes: peakBytes(
        nodes,
        graph.inputs,
        values.map(({ value }) => value),
      ),
    }),
  };
}

function inputTensor(backend: TraceBackend, graph: Graph, name: string, spec: InputSpec): Tensor {
  const { shape, dtype = "float32", layout = "as-is" } = spec;
  const order = orderOf(layout, shape.length);
  const value = graph.input(
    name,
    dtype,
    order.map((axis) => shape[axis] ?? 1),
  );
  return engine().makeTensorFromTensorInfo(backend.tensorOf({ shape, value, order }));
}

function orderOf(layout: Layout, rank: number): number[] {
  if (layout === "as-is") return identityOrder(rank);
  if (rank < 3) throw new ConfigError(`trace: layout ${layout} needs at least 3 axes, got ${rank}.`);
  return layout === "channels-first" ? channelsFirstOrder(rank) : kernelOrder(rank);
}

const laidOut = (graph: Graph, symbol: Sym, layout: Layout): Value =>
  materialize(graph, symbol, orderOf(layout, symbol.shape.length));

/** The largest number of 16 bits. */
const LARGEST = 2 ** 16 - 1;

/** Numbers between 0 and 1 as whole ones of 16 bits, rounded. */
function inSixteenBits(graph: Graph, value: Value): Value {
  const scaled = graph.node("Mul", [value, graph.float(LARGEST)], "float32", value.shape);
  const raised = graph.node("Add", [scaled, graph.float(0.5)], "float32", value.shape); // before the rest is cut off
  return castTo(graph, plain(raised), "uint16").value;
}

function traced(name: string, { type, shape }: Value): TracedValue {
  return { name, dtype: type as TracedValue["dtype"], shape };
}

function checkNames(outputs: readonly string[], inputs: readonly string[]): void {
  const both = outputs.find((name) => inputs.includes(name));
  if (both !== undefined)
    throw new ConfigError(`trace: "${both}" names an input and an output. Give the output another name.`);
}

function summarize(nodes: Graph["nodes"], constants: readonly Value[]): Omit<TraceSummary, "peakBytes"> {
  const operations: Record<string, number> = {};
  for (const { op } of nodes) operations[op] = (operations[op] ?? 0) + 1;
  return {
    nodes: nodes.length,
    operations,
    constantBytes: constants.reduce((total, constant) => total + byteLength(constant), 0),
  };
}

/** Runs with the tracing backend in charge, and puts the caller's backend back. */
function withTraceBackend<T>(run: (backend: TraceBackend) => T): T {
  const previous = getBackend();
  registerOnce();
  setBackend(TRACE_BACKEND);
  try {
    return withLeanGradients(() => run(engine().findBackend(TRACE_BACKEND) as TraceBackend));
  } catch (error) {
    throw explained(error);
  } finally {
    if (previous) setBackend(previous);
    else removeBackend(TRACE_BACKEND);
  }
}

let kernelsRegistered = false;

function registerOnce(): void {
  if (!engine().findBackend(TRACE_BACKEND)) registerBackend(TRACE_BACKEND, () => new TraceBackend(), 0);
  if (kernelsRegistered) return;
  kernelsRegistered = true;
  registerKernels(TRACE_BACKEND);
}

/** Of a kernel that tfjs does not know itself it says "Kernel 'X' not registered": say what that means here. */
function explained(error: unknown): unknown {
  const missing = error instanceof Error ? /Kernel '(\w+)' not registered/.exec(error.message)?.[1] : undefined;
  if (missing === undefined) return error;
  return new UnsupportedOpError(
    `trace: the operation ${missing} cannot be traced: it is not one of TensorFlow.js. ` +
      "Write the function with other operations, or run it on the eager engine.",
    { cause: error },
  );
}
