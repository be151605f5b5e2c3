import { type SegmentationLoss, withDefaults } from "@plseg/core";
import { add, mul, type Scalar, sum } from "@tensorflow/tfjs-core";
import { decoupledPairs } from "./decoupled-pairs.js";
import { checkPairOptions, checkPairShapes, type PairOptions, selectPairs } from "./pair-selection.js";

/** Options of {@link decoupledForegroundLoss}. */
export interface DecoupledForegroundLossOptions extends PairOptions {}

/** What {@link decoupledForegroundLoss} uses where an option is missing. `classes` has no default. */
export const DECOUPLED_FOREGROUND_LOSS_DEFAULTS: Required<Omit<DecoupledForegroundLossOptions, "classes">> = {
  presence: "annotated",
  absentWeight: 0.5,
};

/**
 * Decoupled foreground loss: each annotated organ is told from everything else, so organs that nobody annotated are
 * never taken for background.
 *
 *     Σ λ(b, c) · (CE(b, c) + Dice(b, c))    over samples b and organs c ≥ 1
 *
 * CE and Dice compare f = softmax(logits)[b, c] and 1 − f with the binary label [label = c]; channel 0 learns only
 * through the softmax. λ is 1 if c occurs in the crop, `absentWeight` if it is annotated but does not, 0 if it is
 * not annotated; with presence `"crop"` only occurring organs count. The sum is not normalized.
 *
 * `compute` takes logits `[batch, depth, height, width, class]` and keeps no state. Its terms: `crossEntropy` and
 * `dice`, the two parts of the value.
 *
 * @throws ConfigError from the factory if an option is impossible; ShapeError from `compute` if shapes disagree.
 *
 * @see PL-Seg, Medical Image Analysis 2026, vol. 108, 103885. With presence `"crop"` it agrees with the paper's code.
 */
export function decoupledForegroundLoss({ classes, ...options }: DecoupledForegroundLossOptions): SegmentationLoss {
  const pairOptions = { classes, ...withDefaults(DECOUPLED_FOREGROUND_LOSS_DEFAULTS, options) };
  checkPairOptions("decoupledForegroundLoss", pairOptions);
  return {
    init: () => ({}),
    compute(logits, target, state) {
      checkPairShapes("decoupledForegroundLoss", classes, logits, target);
      const { crossEntropy, dice, present } = decoupledPairs(logits, target.oneHot);
      const { weight } = selectPairs(pairOptions, target, present);
      const terms = { crossEntropy: sum(mul(weight, crossEntropy)), dice: sum(mul(weight, dice)) };
      return { value: add(terms.crossEntropy, terms.dice) as Scalar, state, terms };
    },
  };
}
