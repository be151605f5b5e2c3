export {
  DECOUPLED_FOREGROUND_LOSS_DEFAULTS,
  type DecoupledForegroundLossOptions,
  decoupledForegroundLoss,
} from "./decoupled-foreground-loss.js";
export { HADFL_DEFAULTS, type HadflOptions, type HadflState, hadfl } from "./hadfl.js";
export type { PairOptions } from "./pair-selection.js";
