export {
  type Checkpoint,
  type CheckpointName,
  checkpointFolder,
  readCheckpoint,
  writeCheckpoint,
} from "./checkpoint.js";
export { type PlanRunOptions, planRun } from "./plan-run.js";
export { PRESETS } from "./presets.js";
export { checkRunConfig, type RunConfig } from "./run-config.js";
export { runNetwork } from "./run-network.js";
export { NO_PROGRESS, type RunProgress } from "./run-progress.js";
export { trainRun } from "./train-run.js";
export type { TrainRunOptions, TrainRunResult } from "./train-run-options.js";
export { checkSettings, type Epochs, PLANNED, type TrainSettings, type ValidationSplit } from "./train-settings.js";
export type { CaseDice, SegmentedCase, ValidationScores } from "./validate.js";
