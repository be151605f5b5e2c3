export { accumulatedStep } from "./accumulated-step.js";
export { ADAM_DEFAULTS, type AdamOptions, adam } from "./adam.js";
export { ADAMW_DEFAULTS, type AdamwOptions, adamw } from "./adamw.js";
export { clipGradient } from "./clip-gradient.js";
export {
  DISTILL_OLD_CLASSES_DEFAULTS,
  type DistillOldClassesOptions,
  distillOldClasses,
  type Teacher,
} from "./distill-old-classes.js";
export { DivergenceError, divergenceOf, NO_STEPS, type RecentSteps, withStep } from "./divergence.js";
export { growClasses } from "./grow-classes.js";
export type { Method, ObjectiveOptions, Task } from "./method.js";
export { methods } from "./methods/index.js";
export type { Objective, ObjectiveContext } from "./objective.js";
export { OBJECTIVE_DEFAULTS, type ObjectiveSettings } from "./objective-settings.js";
export { oldClassDistillation } from "./old-class-distillation.js";
export type { Optimizer, OptimizerContext } from "./optimizer.js";
export { OPTIMIZER_DEFAULTS, type OptimizerSettings, optimizerFrom } from "./optimizer-settings.js";
export { PL_SEG_OBJECTIVE_DEFAULTS, type PlSegObjectiveOptions, plSegObjective } from "./pl-seg-objective.js";
export { PLATEAU_DEFAULTS, type PlateauOptions, type PlateauState, reduceOnPlateau } from "./reduce-on-plateau.js";
export { learningRateAt, SCHEDULE_DEFAULTS, type Schedule, type SchedulePlace } from "./schedule.js";
export { SGD_DEFAULTS, type SgdOptions, sgd } from "./sgd.js";
export type { StepRecord } from "./step-record.js";
export { type BatchSource, type TrainOptions, type TrainState, train } from "./train.js";
export {
  describeNetwork,
  type NetworkDescription,
  type TrainStep,
  type TrainStepOptions,
  trainStep,
} from "./train-step.js";
