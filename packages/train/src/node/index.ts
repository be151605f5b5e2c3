export {
  type Checkpoint,
  type CheckpointName,
  checkpointFolder,
  readCheckpoint,
  writeCheckpoint,
} from "./checkpoint.js";
export { type PlanRunOptions, planRun } from "./plan-run.js";
export { checkRunConfig, checkSettings, PLANNED, PRESETS, type RunConfig, type TrainSettings } from "./run-config.js";
export { runNetwork } from "./run-network.js";
export { NO_PROGRESS, type RunProgress } from "./run-progress.js";
export { trainRun } from "./train-run.js";
export type { TrainRunOptions, TrainRunResult } from "./train-run-options.js";
export type { CaseDice, SegmentedCase, ValidationScores } from "./validate.js";
