export { type CheckpointName, checkpointFolder, readCheckpoint, writeCheckpoint } from "./checkpoint.js";
export { checkRunConfig, checkSettings, PRESETS, type RunConfig, type TrainSettings } from "./run-config.js";
export { type TrainRunOptions, type TrainRunResult, trainRun } from "./train-run.js";
