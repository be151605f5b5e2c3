import { ConfigError } from "@plseg/core";
import { compiledEngine, type Device, type OnnxRuntime } from "./compiled-engine.js";
import { eagerEngine } from "./eager-engine.js";
import type { Engine } from "./engine.js";

/** Options of {@link createEngine}. */
export interface EngineOptions {
  /** `compiled` traces to ONNX; `tfjs` runs on the tfjs backend in use. */
  readonly engine?: "compiled" | "tfjs";
  /** Where the compiled engine runs; `cpu` unless told. */
  readonly device?: Device;
  /** ONNX Runtime for the compiled engine: `onnxruntime-node` or `onnxruntime-web/webgpu`. */
  readonly ort?: OnnxRuntime;
  /** CPU threads of the compiled engine; as many as ONNX Runtime thinks best unless told. */
  readonly threads?: number;
}

/**
 * An engine for functions of TensorFlow.js tensors.
 *
 * @throws ConfigError if the compiled engine is asked for without ONNX Runtime.
 *
 * @example
 * ```ts
 * const engine = createEngine({ ort: await import("onnxruntime-node") });
 * ```
 */
export function createEngine({ engine = "compiled", device = "cpu", ort, threads }: EngineOptions): Engine {
  if (engine === "tfjs") return eagerEngine();
  if (!ort)
    throw new ConfigError(
      'createEngine: the compiled engine needs ONNX Runtime. Pass ort: await import("onnxruntime-node"), or onnxruntime-web/webgpu in a browser.',
    );
  return compiledEngine({ ort, device, ...(threads !== undefined && { threads }) });
}
