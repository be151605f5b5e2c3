import { ConfigError, checkSameShape, type SegmentationLoss, withDefaults } from "@plseg/core";
import { stopGradient } from "@plseg/ops";
import {
  add,
  cast,
  concat,
  div,
  expandDims,
  fill,
  greater,
  greaterEqual,
  maximum,
  minimum,
  mul,
  pad,
  type Scalar,
  slice,
  sum,
  type Tensor,
  type Tensor2D,
  where,
} from "@tensorflow/tfjs-core";
import { decoupledPairs } from "./decoupled-pairs.js";
import { checkPairOptions, checkPairShapes, type PairOptions, selectPairs } from "./pair-selection.js";

/** Options of {@link hadfl}. */
export interface HadflOptions extends PairOptions {
  /** Number of calls, the current one included, whose Dice losses tell how hard an organ is. */
  readonly window?: number;
  /** Smallest weight of an organ. Organs not seen within the window get it. */
  readonly minWeight?: number;
}

/** What {@link hadfl} uses where an option is missing. `classes` has no default. */
export const HADFL_DEFAULTS: Required<Omit<HadflOptions, "classes">> = {
  window: 50,
  minWeight: 0.5,
  presence: "annotated",
  absentWeight: 0.5,
};

/** In a history: the class had no pair in that call. */
const NOT_SEEN = -1;

/** What {@link hadfl} remembers. */
export type HadflState = {
  /** `[window, classes]`, oldest call first: the organ's mean Dice loss in that call, −1 where it had none. */
  readonly history: Tensor2D;
};

/**
 * Hardness-aware decoupled foreground loss (HADFL): the decoupled foreground loss with each organ weighted by how hard
 * it has been of late.
 *
 *     Σ w(c) λ(b, c) · (CE(b, c) + Dice(b, c))    over samples b and organs c ≥ 1
 *     w(c) = max(m(c) / mean of m over the organs seen, minWeight)
 *     m(c) = mean Dice loss of c over the calls of the window in which c was seen, this one included
 *
 * CE, Dice and λ are those of {@link decoupledForegroundLoss}; m leaves λ out. The weights are constants for the
 * gradient. A call without any organ still pushes the oldest one out of the window.
 *
 * `compute` takes logits `[batch, depth, height, width, class]`; one history serves one scale. Its terms, `[classes]`
 * each: `classWeights` (w), `hardness` (m, 0 if not seen) and `batchDice` (this call's Dice losses, 0 if not seen).
 *
 * Unlike the paper's code, an organ segmented perfectly (Dice loss exactly 0) counts as seen.
 *
 * @throws ConfigError from the factory if an option is impossible; ShapeError from `compute` if shapes disagree.
 *
 * @see PL-Seg, Medical Image Analysis 2026, vol. 108, 103885. With presence `"crop"` it agrees with the paper's code.
 */
export function hadfl({ classes, ...options }: HadflOptions): SegmentationLoss<HadflState> {
  const { window, minWeight, ...pairDefaults } = withDefaults(HADFL_DEFAULTS, options);
  const pairOptions = { classes, ...pairDefaults };
  checkPairOptions("hadfl", pairOptions);
  if (!Number.isInteger(window) || window < 1)
    throw new ConfigError(`hadfl: window must be a whole number of at least 1, got ${window}.`);
  if (!(minWeight >= 0 && minWeight < Number.POSITIVE_INFINITY))
    throw new ConfigError(`hadfl: minWeight must be a number of at least 0, got ${minWeight}.`);

  return {
    init: () => ({ history: fill([window, classes], NOT_SEEN) }),
    compute(logits, target, state) {
      checkPairShapes("hadfl", classes, logits, target);
      checkSameShape("hadfl", ["state.history", state.history.shape], ["[window, classes]", [window, classes]]);
      const { crossEntropy, dice, present } = decoupledPairs(logits, target.oneHot);
      const { counted, weight } = selectPairs(pairOptions, target, present);

      const samples = sum(counted, 0); // [classes − 1]
      const total = sum(mul(counted, stopGradient(dice)), 0);
      const batchDice = maximum(div(total, maximum(samples, 1)), 0); // rounding below 0 would mean not seen
      const newest = where(greater(samples, 0), batchDice, fill([classes - 1], NOT_SEEN));
      const history = push(state.history, pad(newest, [[1, 0]], NOT_SEEN));

      const calls = sum(cast(greaterEqual(history, 0), "float32"), 0); // in which the class was seen [classes]
      const hardness = div(sum(maximum(history, 0), 0), maximum(calls, 1));
      const classWeights = weighClasses(hardness, calls, minWeight);
      const value = sum(mul(mul(weight, slice(classWeights, [1], [classes - 1])), add(crossEntropy, dice)));
      return {
        value: value as Scalar,
        state: { history },
        terms: { classWeights, hardness, batchDice: pad(batchDice, [[1, 0]]) },
      };
    },
  };
}

/** The newest rows of a history, the new one last. */
function push(history: Tensor2D, row: Tensor): Tensor2D {
  const [window, classes] = history.shape;
  const newest = expandDims(row, 0) as Tensor2D; // [1, classes]
  return window === 1 ? newest : concat([slice(history, [1, 0], [window - 1, classes]), newest]);
}

/** Each class's hardness over the mean of the classes seen, and at least `minWeight`. All 0 means no class stands out. */
function weighClasses(hardness: Tensor, calls: Tensor, minWeight: number): Tensor {
  const mean = div(sum(hardness), maximum(sum(minimum(calls, 1)), 1));
  return maximum(div(hardness, where(greater(mean, 0), mean, 1)), minWeight);
}
