export { assd } from "./assd.js";
export { BOOTSTRAP_DEFAULTS, type BootstrapOptions } from "./bootstrap.js";
export {
  type ClassDifference,
  COMPARE_CASES_DEFAULTS,
  type CompareCasesOptions,
  type ComparedScores,
  type Comparison,
  compareCases,
  MORE_IS_BETTER,
} from "./compare-cases.js";
export { dice } from "./dice.js";
export {
  type ClassScores,
  type EvaluateCaseOptions,
  evaluateCase,
  METRICS,
  type Metric,
  type NoScoreReason,
} from "./evaluate-case.js";
export { hausdorff95 } from "./hausdorff95.js";
export { holm } from "./holm.js";
export { iou } from "./iou.js";
export { DEFAULT_TOLERANCE, normalizedSurfaceDice } from "./normalized-surface-dice.js";
export { type Mask, OVERLAP_SMOOTH, type OverlapMetric } from "./overlap.js";
export { relativeVolumeError } from "./relative-volume-error.js";
export {
  type ClassMean,
  type ForegroundMean,
  type MeanScore,
  SUMMARIZE_DEFAULTS,
  type SummarizeOptions,
  type Summary,
  summarize,
} from "./summarize.js";
export { type SignedRankTest, wilcoxonSignedRank } from "./wilcoxon-signed-rank.js";
