export { type CheckpointName, checkpointFolder, readCheckpoint, writeCheckpoint } from "./checkpoint.js";
export { type PlanRunOptions, planRun } from "./plan-run.js";
export { checkRunConfig, checkSettings, PLANNED, PRESETS, type RunConfig, type TrainSettings } from "./run-config.js";
export { type TrainRunOptions, type TrainRunResult, trainRun } from "./train-run.js";
