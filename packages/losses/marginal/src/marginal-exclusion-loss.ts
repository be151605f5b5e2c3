import { checkTarget, type SegmentationLoss } from "@plseg/core";
import { add, mul, type Scalar, softmax } from "@tensorflow/tfjs-core";
import { type ExclusionLossOptions, exclusionParts, resolveExclusionOptions } from "./exclusion-loss.js";
import { groupLabels } from "./label-groups.js";
import { type MarginalLossOptions, marginalParts, resolveMarginalOptions } from "./marginal-loss.js";
import { type MarginalCompat, type MarginalDefaults, resolveOptions } from "./options.js";

/** Options of {@link marginalExclusionLoss}. */
export interface MarginalExclusionLossOptions {
  /** Whose definition is computed, `"paper"` if missing. */
  readonly compat?: MarginalCompat;
  /** Weight of the exclusion loss. */
  readonly exclusionWeight?: number;
  /** Options of the marginal loss. */
  readonly marginal?: Omit<MarginalLossOptions, "compat">;
  /** Options of the exclusion loss. */
  readonly exclusion?: Omit<ExclusionLossOptions, "compat">;
}

const REFERENCE = { exclusionWeight: 0.1, marginal: {}, exclusion: {} } as const;

/** What {@link marginalExclusionLoss} uses where an option is missing, by definition. */
export const MARGINAL_EXCLUSION_LOSS_DEFAULTS: MarginalDefaults<MarginalExclusionLossOptions> = {
  paper: { exclusionWeight: 1, marginal: {}, exclusion: {} },
  reference: REFERENCE,
  "reference-v2": REFERENCE,
};

/**
 * Marginal loss plus `exclusionWeight` times exclusion loss. It costs less than the two apart.
 *
 * The weight is 1, or 0.1 in the code of PL-Seg, whose total can therefore be negative, down to −0.1. The paper's authors
 * use 2 in theirs. What else differs by compat is said at `marginalLoss` and `exclusionLoss`.
 *
 * `compute` takes logits `[batch, depth, height, width, class]` and keeps no state. Its terms: `marginal` and `exclusion`,
 * the two losses, unweighted.
 *
 * @throws ConfigError from the factory if an option is impossible; ShapeError from `compute` if shapes disagree.
 *
 * @see Shi et al., Medical Image Analysis 2021, https://arxiv.org/abs/2007.03868.
 */
export function marginalExclusionLoss(options: MarginalExclusionLossOptions = {}): SegmentationLoss {
  const name = "marginalExclusionLoss";
  const { compat, exclusionWeight, ...parts } = resolveOptions(name, MARGINAL_EXCLUSION_LOSS_DEFAULTS, options);
  const ofMarginal = resolveMarginalOptions(`${name}: marginal`, { ...parts.marginal, compat });
  const ofExclusion = resolveExclusionOptions(`${name}: exclusion`, { ...parts.exclusion, compat });
  return {
    init: () => ({}),
    compute(logits, target, state) {
      checkTarget(name, logits, target);
      const groups = groupLabels(target, compat);
      const p = softmax(logits);
      const marginal = marginalParts(logits, p, groups, ofMarginal).value;
      const exclusion = exclusionParts(p, groups, ofExclusion).value;
      return { value: add(marginal, mul(exclusion, exclusionWeight)) as Scalar, state, terms: { marginal, exclusion } };
    },
  };
}
