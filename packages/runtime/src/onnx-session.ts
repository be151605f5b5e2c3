import { ResourceError } from "@plseg/core";
import type { InferenceSession, InferenceSessionFactory, Tensor, TensorConstructor } from "onnxruntime-common";

/** ONNX Runtime, as `onnxruntime-node` and `onnxruntime-web` export it. */
export interface OnnxRuntime {
  /** Loads graphs. */
  readonly InferenceSession: InferenceSessionFactory;
  /** Makes tensors. */
  readonly Tensor: TensorConstructor;
}

/** Where ONNX Runtime computes. */
export type Device = "cpu" | "cuda" | "webgpu" | "wasm";

/** What ONNX Runtime is to run on. */
export interface OnnxOptions {
  /** The module `onnxruntime-node` or `onnxruntime-web`. */
  readonly ort: OnnxRuntime;
  /** `cpu` unless told. */
  readonly device?: Device;
  /** CPU threads; as many as ONNX Runtime thinks best unless told. */
  readonly threads?: number;
  /** Bytes that compiled functions may need; what would need more is refused before it is loaded. */
  readonly memoryLimit?: number;
}

/** A graph that is loaded and ready to run. */
export interface OnnxSession {
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}

/**
 * Loads an ONNX graph. On WebGPU every load, run and release of the process waits for the one before: ONNX Runtime freezes or
 * fails when they overlap.
 *
 * @throws ResourceError if ONNX Runtime cannot load the graph on the device.
 */
export async function openSession(
  { ort, device = "cpu", threads }: OnnxOptions,
  model: Uint8Array,
): Promise<OnnxSession> {
  const inTurn = device === "webgpu" ? queue : <T>(task: () => Promise<T>): Promise<T> => task();
  const session = await inTurn(() =>
    ort.InferenceSession.create(model, {
      executionProviders: [providerOf(device)],
      graphOptimizationLevel: "all",
      // planned memory patterns take nearly twice the memory of a training step and save no time
      enableMemPattern: false,
      logSeverityLevel: 3,
      ...(threads !== undefined && { intraOpNumThreads: threads }),
    }),
  ).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ResourceError(`openSession: ONNX Runtime could not load the graph on ${device}: ${reason}`, { cause });
  });
  return {
    run: (feeds) => inTurn(() => session.run(feeds)) as Promise<Record<string, Tensor>>,
    release: () => inTurn(() => session.release()),
  };
}

function providerOf(device: Device): InferenceSession.ExecutionProviderConfig {
  // WebGPU: the default NHWC layout gains nothing for 3-D and costs transposes
  return device === "webgpu" ? { name: "webgpu", preferredLayout: "NCHW" } : device;
}

let last: Promise<unknown> = Promise.resolve();

/** Runs tasks one after another, in the order in which they came, whatever becomes of those before. */
function queue<T>(task: () => Promise<T>): Promise<T> {
  const result = last.then(task);
  last = result.catch(() => undefined);
  return result;
}
