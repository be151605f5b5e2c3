import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import util from "node:util";
import { ResourceError } from "@plseg/core";

/** The packages that bring TensorFlow's native library to TensorFlow.js. */
export type TfjsNodePackage = "@tensorflow/tfjs-node" | "@tensorflow/tfjs-node-gpu";

/**
 * Gives back what tfjs-node 4.22 calls and Node 23 took away: `util.isNullOrUndefined` and `util.isArray`. What is there
 * stays as it is.
 *
 * @see https://github.com/tensorflow/tfjs/issues/8609
 */
export function restoreUtil(target: Record<string, unknown> = util as unknown as Record<string, unknown>): void {
  target.isNullOrUndefined ??= (value: unknown) => value === undefined || value === null;
  target.isArray ??= Array.isArray;
}

/**
 * Loads tfjs-node or tfjs-node-gpu, which registers its backend `tensorflow`. It is looked for where this package is
 * installed, then from the working folder.
 *
 * @throws ResourceError if it is not installed or does not load here.
 */
export async function importTfjsNode(name: TfjsNodePackage): Promise<void> {
  restoreUtil();
  const place = findPackage(name);
  if (place === undefined) throw missingPackage(name, "is not installed");
  try {
    await import(pathToFileURL(place).href);
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split("\n", 1)[0];
    throw missingPackage(name, `is installed but does not load here: ${reason?.trim()}`, cause);
  }
}

/** The main file of a package that is not among the dependencies, from here or from the working folder. */
function findPackage(name: string): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), "package.json")])
    try {
      return createRequire(from).resolve(name);
    } catch {
      // not there; perhaps from elsewhere
    }
  return undefined;
}

/** The one text about a package of an engine that cannot be used. */
export function missingPackage(name: string, what: string, cause?: unknown): ResourceError {
  const native = name.startsWith("@tensorflow/tfjs-node")
    ? " `plseg doctor` explains how to get its native library."
    : "";
  return new ResourceError(
    `createNodeEngine: the package ${name} ${what}. Install it with \`npm install ${name}\`, or use the engine compiled.${native}`,
    { cause },
  );
}
