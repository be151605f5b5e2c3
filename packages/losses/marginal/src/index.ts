export { EXCLUSION_LOSS_DEFAULTS, type ExclusionLossOptions, exclusionLoss } from "./exclusion-loss.js";
export {
  MARGINAL_EXCLUSION_LOSS_DEFAULTS,
  type MarginalExclusionLossOptions,
  marginalExclusionLoss,
} from "./marginal-exclusion-loss.js";
export { MARGINAL_LOSS_DEFAULTS, type MarginalLossOptions, marginalLoss } from "./marginal-loss.js";
export type { MarginalCompat, MarginalDefaults } from "./options.js";
