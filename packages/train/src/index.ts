export type { Method, Objective, ObjectiveContext, Task } from "./method.js";
export { methods } from "./methods/index.js";
export { ADAM_DEFAULTS, type AdamOptions, adam, type Optimizer } from "./optimizer.js";
export { PL_SEG_OBJECTIVE_DEFAULTS, type PlSegObjectiveOptions, plSegObjective } from "./pl-seg-objective.js";
export { PLATEAU_DEFAULTS, type PlateauOptions, type PlateauState, reduceOnPlateau } from "./reduce-on-plateau.js";
export { learningRateAt, type Schedule } from "./schedule.js";
export { SGD_DEFAULTS, type SgdOptions, sgd } from "./sgd.js";
export { type BatchSource, type StepRecord, type TrainOptions, type TrainState, train } from "./train.js";
export {
  describeNetwork,
  type NetworkDescription,
  type TrainStep,
  type TrainStepOptions,
  trainStep,
} from "./train-step.js";
