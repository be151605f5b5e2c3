export {
  type BundleClass,
  type BundleFile,
  type BundleManifest,
  type BundleNetwork,
  type BundleProvenance,
  readBundleManifest,
} from "./bundle-manifest.js";
export { bundleNetwork } from "./bundle-network.js";
export { createEngine, type EngineOptions } from "./create-engine.js";
export type { CompiledFunction, CompileOptions, Engine, EngineArray, EngineTensor, TensorFunction } from "./engine.js";
export { type ExportModelOptions, exportModel } from "./export-model.js";
export { inferenceFunction } from "./inference-function.js";
export {
  type LoadedBundle,
  loadBundle,
  type SegmentOptions,
  segmentVolume,
} from "./load-bundle.js";
export type { Device, OnnxOptions, OnnxRuntime } from "./onnx-session.js";
export type { BundleSource } from "./read-bundle-file.js";
export { type SliceAnswers, type SliceAnswersOptions, sliceAnswers } from "./slice-answers.js";
export {
  type MirrorAxis,
  SLIDING_WINDOW_DEFAULTS,
  type SlidingWindowJoining,
  type SlidingWindowOptions,
  type SlidingWindowWatching,
  slidingWindow,
  type WindowAnswer,
} from "./sliding-window.js";
export type { LoadBundleOptions } from "./window-model.js";
