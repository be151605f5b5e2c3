export { MULTI_TALENT_LOSS_DEFAULTS, type MultiTalentLossOptions, multiTalentLoss } from "./multi-talent-loss.js";
