export { batchNorm3d, resizeTrilinear, stopGradient } from "@plseg/ops";
export type { Target } from "./graph.js";
export {
  type InputSpec,
  type Layout,
  type TracedModel,
  type TracedValue,
  type TraceOptions,
  type TraceSummary,
  trace,
} from "./trace.js";
