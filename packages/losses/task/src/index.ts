export type { TaskOptions } from "./known-voxels.js";
export { TASK_BCE_DEFAULTS, type TaskBceOptions, taskBce } from "./task-bce.js";
export { TASK_DICE_DEFAULTS, type TaskDiceOptions, taskDice } from "./task-dice.js";
export { taskTarget } from "./task-target.js";
