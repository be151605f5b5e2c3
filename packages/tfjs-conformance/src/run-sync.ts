import { createRequire } from "node:module";
import { Tensor as OrtTensor } from "onnxruntime-node";

/** Numbers of a tensor. */
export type Numbers = Float32Array | Int32Array | Uint8Array;

/** Where models run. On WebGPU a model that would run partly on the CPU is an error. */
export type Device = "cpu" | "webgpu";

/** A tensor to feed. */
export interface Feed {
  readonly type: "float32" | "int32" | "bool";
  readonly shape: readonly number[];
  readonly numbers: Numbers;
}

interface NativeSession {
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void;
  run(feeds: object, fetches: object, options: object): Record<string, OrtTensor>;
  dispose(): void;
}

interface Binding {
  readonly binding: { readonly InferenceSession: new () => NativeSession };
  initOrt(): void;
}

// The published run() waits for the next turn of the event loop; dataSync() of tfjs cannot. What is below it does not wait.
const { binding, initOrt } = createRequire(__filename)("onnxruntime-node/dist/binding.js") as Binding;

const WEBGPU = {
  executionProviders: [{ name: "webgpu", preferredLayout: "NCHW" }],
  extra: { session: { disable_cpu_ep_fallback: "1" } },
};

/** Runs a model and returns its output "y" before it returns. */
export function runSync(model: Uint8Array, feeds: Readonly<Record<string, Feed>>, device: Device = "cpu"): Numbers {
  initOrt();
  const session = new binding.InferenceSession();
  session.loadModel(model.buffer, model.byteOffset, model.byteLength, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    ...(device === "webgpu" && WEBGPU),
  });
  try {
    const tensors = Object.entries(feeds).map(([name, { type, shape, numbers }]) => [
      name,
      new OrtTensor(type as "float32", numbers as Float32Array, shape),
    ]);
    const { y } = session.run(Object.fromEntries(tensors), { y: null }, {});
    if (!y) throw new Error("runSync: the model has no output y.");
    return y.data as Numbers;
  } finally {
    session.dispose();
  }
}
