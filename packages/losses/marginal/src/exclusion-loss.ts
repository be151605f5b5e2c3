import { checkTarget, type SegmentationLoss } from "@plseg/core";
import {
  add,
  cast,
  clipByValue,
  div,
  less,
  log1p,
  maximum,
  mean,
  min,
  minimum,
  mul,
  onesLike,
  type Scalar,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  where,
} from "@tensorflow/tfjs-core";
import { groupLabels, type LabelGroups, VOXELS } from "./label-groups.js";
import { type MarginalCompat, type MarginalDefaults, resolveOptions } from "./options.js";
import { softDice } from "./soft-dice.js";

/** Options of {@link exclusionLoss}. */
export interface ExclusionLossOptions {
  /** Whose definition is computed, `"paper"` if missing. */
  readonly compat?: MarginalCompat;
  /** Weight of the cross entropy. */
  readonly crossEntropyWeight?: number;
  /** Weight of the Dice score. */
  readonly diceWeight?: number;
}

const REFERENCE = { crossEntropyWeight: 0, diceWeight: 1 } as const;

/** What {@link exclusionLoss} uses where an option is missing, by definition. */
export const EXCLUSION_LOSS_DEFAULTS: MarginalDefaults<ExclusionLossOptions> = {
  paper: { crossEntropyWeight: 1, diceWeight: 1 },
  reference: REFERENCE,
  "reference-v2": REFERENCE,
};

/**
 * Exclusion loss: organs do not overlap, so where an annotated organ is, nothing else may be predicted, and where it is
 * not, not that organ.
 *
 *     e(n) = 1 − [label = n] for annotated organs n    e(n) = [label is an annotated organ] for every other class n
 *     Dice = mean over the classes n of 2 Σ e(n) p(n) / (Σ e(n) + Σ p(n) + 1e-5)    p = softmax(logits)
 *     CE   = (1/V) Σ e(n) log(1 + p(n))                                             over the V voxels and the classes
 *     loss = mean over samples of CE + Dice
 *
 * A sample without annotated organ contributes 0. `target.annotated` says nothing in the background's column.
 *
 * With compat `"reference"` an organ counts as annotated if its label occurs in the crop; CE has the weight 0; Dice is a
 * mean over the classes before the first one whose e is 0 everywhere, minus 1, and 0 if there is no such class. So it
 * lies in [−1, 0]. `"reference-v2"` means all classes, takes max(p, 1e-10) for p, and leaves out samples without organ
 * but divides by all.
 *
 * `compute` takes logits `[batch, depth, height, width, class]` and keeps no state. Its terms: `crossEntropy` and `dice`,
 * unweighted, and `classDice` `[batch, class]`, the Dice score of each class with its e.
 *
 * @throws ConfigError from the factory if an option is impossible; ShapeError from `compute` if shapes disagree.
 *
 * @see Shi et al., Medical Image Analysis 2021, https://arxiv.org/abs/2007.03868. The paper leaves the reductions and
 * the 1e-5 open.
 */
export function exclusionLoss(options: ExclusionLossOptions = {}): SegmentationLoss {
  const resolved = resolveExclusionOptions("exclusionLoss", options);
  return {
    init: () => ({}),
    compute(logits, target, state) {
      checkTarget("exclusionLoss", logits, target);
      return { state, ...exclusionParts(softmax(logits), groupLabels(target, resolved.compat), resolved) };
    },
  };
}

/** @throws ConfigError if an option is impossible. */
export function resolveExclusionOptions(where: string, options: ExclusionLossOptions): Required<ExclusionLossOptions> {
  return resolveOptions(where, EXCLUSION_LOSS_DEFAULTS, options);
}

/** Value and terms of {@link exclusionLoss}, given softmax(logits). */
export function exclusionParts(
  probabilities: Tensor,
  groups: LabelGroups,
  { compat, crossEntropyWeight, diceWeight }: Required<ExclusionLossOptions>,
): { value: Scalar; terms: { crossEntropy: Tensor; dice: Tensor; classDice: Tensor2D } } {
  const [, depth = 1, height = 1, width = 1] = probabilities.shape;
  const p = compat === "reference-v2" ? clipByValue(probabilities, 1e-10, 1) : probabilities;
  const excluded = sub(1, groups.group); // e
  const room = sum(excluded, VOXELS); // [batch, class]
  const classDice = softDice(sum(mul(excluded, p), VOXELS), room, sum(p, VOXELS));

  const taken = compat === "reference" ? beforeFirstEmpty(room) : onesLike(room);
  const count = sum(taken, 1);
  const score = div(sum(mul(classDice, taken), 1), maximum(count, 1));
  const ofSamples = (x: Tensor): Tensor => mean(mul(groups.counted, x));
  const dice = ofSamples(compat === "paper" ? score : sub(score, minimum(count, 1)));
  const crossEntropy = ofSamples(div(sum(mul(excluded, log1p(p)), [...VOXELS, 4]), depth * height * width));
  const value = add(mul(crossEntropy, crossEntropyWeight), mul(dice, diceWeight)) as Scalar;
  return { value, terms: { crossEntropy, dice, classDice } };
}

/** 1 for the classes before the first one without room, `[batch, class]`. */
function beforeFirstEmpty(room: Tensor): Tensor {
  const [, classes = 1] = room.shape;
  const places = tensor1d(Array.from({ length: classes }, (_, c) => c));
  const end = min(where(less(room, 0.5), places, classes), 1, true);
  return cast(less(places, end), "float32");
}
