import { ResourceError } from "@plseg/core";
import type { OnnxRuntime } from "../onnx-session.js";

/**
 * ONNX Runtime for Node, which is an optional dependency.
 *
 * @throws ResourceError if `onnxruntime-node` is not installed or does not load.
 */
export async function importOnnxRuntime(): Promise<OnnxRuntime> {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    throw new ResourceError(
      "importOnnxRuntime: the compiled engine needs the package onnxruntime-node, which is not installed or does not load here. " +
        "Install it with `npm install onnxruntime-node --ignore-scripts` (without its script, which only fetches CUDA), " +
        "or use the engine tfjs.",
      { cause },
    );
  }
}
