export { bundleFromRun, loadModel } from "./bundle-from-run.js";
export {
  bundleFromWeights,
  type ImportedWeights,
  WEIGHTS_DEFAULTS,
  type WeightsDescription,
} from "./bundle-from-weights.js";
export { compareEvaluations, type EvaluatedPredictions, type EvaluationComparison } from "./compare-evaluations.js";
export {
  type EvaluatedCase,
  type EvaluateFolderOptions,
  type Evaluation,
  evaluateFolder,
  type StateCounts,
} from "./evaluate-folder.js";
export { type OverlayPictureOptions, overlayPicture } from "./picture.js";
export type { Cleaning } from "./predict/cleaning-rules.js";
export type { OrganMeasure } from "./predict/prediction-record.js";
export type { PredictionOptions } from "./predict/prediction-steps.js";
export type { Shard } from "./predict/shard.js";
export {
  checkPredictions,
  type PredictFilesOptions,
  type Prediction,
  type PredictionRun,
  predictFiles,
} from "./predict-files.js";
export { plseg, runPlseg } from "./program.js";
export { renderReport } from "./report/render-report.js";
export type {
  ReportAnnotations,
  ReportCurve,
  ReportData,
  ReportMean,
  ReportPicture,
  ReportScores,
} from "./report/report-data.js";
export { type EventFile, openEventFile } from "./tensorboard/event-file.js";
export type { EventImage } from "./tensorboard/event-record.js";
