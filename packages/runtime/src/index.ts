export type { CompiledEngineOptions, Device, OnnxRuntime } from "./compiled-engine.js";
export { createEngine, type EngineOptions } from "./create-engine.js";
export type {
  CompiledFunction,
  CompileOptions,
  Engine,
  EngineArray,
  EngineTensor,
  TensorFunction,
} from "./engine.js";
