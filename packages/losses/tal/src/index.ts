export {
  TARGET_ADAPTIVE_LOSS_DEFAULTS,
  type TargetAdaptiveLossOptions,
  targetAdaptiveLoss,
} from "./target-adaptive-loss.js";
