import { ConfigError, ResourceError } from "@plseg/core";
import { getBackend, ready, setBackend } from "@tensorflow/tfjs-core";
import { createEngine } from "../create-engine.js";
import type { Engine } from "../engine.js";
import type { Device } from "../onnx-session.js";
import { availableMemory } from "./available-memory.js";
import { importOnnxRuntime } from "./import-onnx-runtime.js";
import { importTfjsNode, missingPackage } from "./import-tfjs-node.js";

/** What runs functions in Node: ONNX Runtime, or a backend of TensorFlow.js. */
export type NodeEngineName = "compiled" | "tfjs" | "tfjs-node" | "tfjs-node-gpu";

/** Options of {@link createNodeEngine}. */
export interface NodeEngineOptions {
  /** `compiled` unless told. `tfjs` takes the tfjs backend in use, or else its slow one in JavaScript. */
  readonly engine?: NodeEngineName;
  /** Where the compiled engine runs; `cpu` unless told. */
  readonly device?: Device;
  /** CPU threads of the compiled engine; as many as ONNX Runtime thinks best unless told. */
  readonly threads?: number;
  /** Bytes that the compiled engine may need; on the CPU what is free, and a container or job may take, unless told. */
  readonly memoryLimit?: number;
  /** On WebGPU: take an adapter that computes in software, for tests. */
  readonly allowSoftwareAdapter?: boolean;
  /** On WebGPU: let the CPU compute what the provider lacks. Otherwise it is an error. */
  readonly allowCpuFallback?: boolean;
}

/** How to get the tfjs backend of an engine: what registers it, and its name in tfjs. */
interface Backend {
  readonly load: () => Promise<unknown>;
  readonly name: string;
}

const BACKENDS: Readonly<Record<Exclude<NodeEngineName, "compiled">, Backend>> = {
  tfjs: { load: loadTfjsCpu, name: "cpu" },
  "tfjs-node": { load: () => importTfjsNode("@tensorflow/tfjs-node"), name: "tensorflow" },
  "tfjs-node-gpu": { load: () => importTfjsNode("@tensorflow/tfjs-node-gpu"), name: "tensorflow" },
};

/**
 * An engine in Node. What it needs is imported only now, so that nobody has to install the others.
 *
 * @throws ResourceError if the engine's package is missing; ConfigError if there is no such engine.
 */
export async function createNodeEngine(options: NodeEngineOptions = {}): Promise<Engine> {
  const { engine = "compiled", ...rest } = options;
  if (engine === "compiled") {
    const limit = (options.device ?? "cpu") === "cpu" ? { memoryLimit: await availableMemory() } : {}; // others have memory of their own
    return createEngine({ ...limit, ...rest, ort: await importOnnxRuntime() });
  }
  const backend = BACKENDS[engine];
  if (!backend)
    throw new ConfigError(
      `createNodeEngine: engine must be compiled, ${Object.keys(BACKENDS).join(", ")}, got ${JSON.stringify(engine)}.`,
    );
  if (engine !== "tfjs" || !getBackend()) await useBackend(engine, backend);
  return createEngine({ engine: "tfjs" });
}

async function useBackend(engine: string, { load, name }: Backend): Promise<void> {
  await load();
  if (!(await setBackend(name)))
    throw new ResourceError(
      `createNodeEngine: the engine ${engine} is installed, but its backend "${name}" does not start.`,
    );
  await ready();
}

async function loadTfjsCpu(): Promise<void> {
  try {
    await import("@tensorflow/tfjs-backend-cpu");
  } catch (cause) {
    throw missingPackage("@tensorflow/tfjs-backend-cpu", "is not installed", cause);
  }
}
