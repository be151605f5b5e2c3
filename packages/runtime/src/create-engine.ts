import { ConfigError } from "@plseg/core";
import { compiledEngine } from "./compiled-engine.js";
import { eagerEngine } from "./eager-engine.js";
import type { Engine } from "./engine.js";
import type { Device, OnnxRuntime } from "./onnx-session.js";

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
  /** Bytes that the compiled engine may need; a function that would need more is refused. No limit unless told. */
  readonly memoryLimit?: number;
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
export function createEngine({ engine = "compiled", ort, ...options }: EngineOptions): Engine {
  if (engine === "tfjs") return eagerEngine();
  if (!ort)
    throw new ConfigError(
      'createEngine: the compiled engine needs ONNX Runtime. Pass ort: await import("onnxruntime-node"), or onnxruntime-web/webgpu in a browser.',
    );
  return compiledEngine({ ort, ...options });
}
