import { ConfigError } from "@plseg/core";
import { compiledEngine } from "./compiled-engine.js";
import { eagerEngine } from "./eager-engine.js";
import type { Engine } from "./engine.js";
import type { OnnxOptions } from "./onnx-session.js";

/** Options of {@link createEngine}: those of the compiled engine, and which engine. */
export interface EngineOptions extends Partial<OnnxOptions> {
  /** `compiled` traces to ONNX; `tfjs` runs on the tfjs backend in use, and takes no other option. */
  readonly engine?: "compiled" | "tfjs";
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
      'createEngine: the compiled engine needs ONNX Runtime. Pass ort: await import("onnxruntime-node"); in a browser, onnxruntime-web/webgpu, /jspi or /wasm.',
    );
  return compiledEngine({ ort, ...options });
}
