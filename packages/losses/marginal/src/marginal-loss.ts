import { checkChoice, checkTarget, type SegmentationLoss } from "@plseg/core";
import { add, div, mean, mul, type Scalar, softmax, sum, type Tensor, type Tensor2D } from "@tensorflow/tfjs-core";
import { groupCrossEntropy } from "./group-cross-entropy.js";
import { groupLabels, type LabelGroups, perVoxel } from "./label-groups.js";
import { mergeLogits } from "./merged-logits.js";
import { type MarginalCompat, type MarginalDefaults, resolveOptions } from "./options.js";
import { groupDice } from "./soft-dice.js";

/** Options of {@link marginalLoss}. */
export interface MarginalLossOptions {
  /** Whose definition is computed, `"paper"` if missing. */
  readonly compat?: MarginalCompat;
  /** Weight of the cross entropy. */
  readonly crossEntropyWeight?: number;
  /** Weight of the Dice loss. */
  readonly diceWeight?: number;
  /** Whether a sample's Dice loss is the mean or the sum over its groups. */
  readonly diceReduction?: "mean" | "sum";
}

const REFERENCE = { crossEntropyWeight: 0.5, diceWeight: 0.5, diceReduction: "mean" } as const;

/** What {@link marginalLoss} uses where an option is missing, by definition. */
export const MARGINAL_LOSS_DEFAULTS: MarginalDefaults<MarginalLossOptions> = {
  paper: { crossEntropyWeight: 1, diceWeight: 1, diceReduction: "mean" },
  reference: REFERENCE,
  "reference-v2": REFERENCE,
};

/**
 * Marginal loss: organs that nobody annotated are merged with the background, in the label and in the prediction, before
 * the two are compared.
 *
 *     G(0) = background and unannotated organs    G(c) = {c} for annotated organs c    p = softmax(logits)
 *     q(m) = Σ p(n) over n in G(m)                z(m) = [label in G(m)]
 *     CE   = −(1/V) Σ z(m) log q(m)               over the V voxels and the groups m
 *     Dice = mean over m of 1 − 2 Σ z(m) q(m) / (Σ z(m) + Σ q(m) + 1e-5)
 *     loss = mean over samples of CE + Dice
 *
 * An annotated organ that is not in the crop has the Dice loss 1 without gradient; the cross entropy pushes it down.
 * Without any annotated organ the loss is 0 but for rounding. `target.annotated` says nothing in the background's column.
 *
 * With compat `"reference"` the loss is (CE + Dice)/2, G(0) takes in every organ whose label does not occur in the crop
 * (false positives of an annotated organ that is absent go unpunished), and softmax runs over the groups, whose logits
 * are summed, not their probabilities. In CE each sample is padded to the batch's largest number of groups by
 * logits of 0. `"reference-v2"` does not pad, and leaves out samples without organ but divides by all. In a crop without
 * any background the group G(0) is empty and stays; the code goes wrong there.
 *
 * `compute` takes logits `[batch, depth, height, width, class]` and keeps no state. Its terms: `crossEntropy` and `dice`,
 * unweighted, and `classDice` `[batch, class]`, the Dice loss of each group (G(0) in column 0; 0 for organs merged).
 *
 * @throws ConfigError from the factory if an option is impossible; ShapeError from `compute` if shapes disagree.
 *
 * @see Shi et al., Medical Image Analysis 2021, https://arxiv.org/abs/2007.03868. The paper leaves the reductions and
 * the 1e-5 open.
 */
export function marginalLoss(options: MarginalLossOptions = {}): SegmentationLoss {
  const resolved = resolveMarginalOptions("marginalLoss", options);
  return {
    init: () => ({}),
    compute(logits, target, state) {
      checkTarget("marginalLoss", logits, target);
      return { state, ...marginalParts(logits, undefined, groupLabels(target, resolved.compat), resolved) };
    },
  };
}

/** @throws ConfigError if an option is impossible. */
export function resolveMarginalOptions(where: string, options: MarginalLossOptions): Required<MarginalLossOptions> {
  const resolved = resolveOptions(where, MARGINAL_LOSS_DEFAULTS, options);
  checkChoice(where, "diceReduction", resolved.diceReduction, ["mean", "sum"]);
  return resolved;
}

/** Value and terms of {@link marginalLoss}. `probabilities` are softmax(logits), if they are at hand. */
export function marginalParts(
  logits: Tensor,
  probabilities: Tensor | undefined,
  groups: LabelGroups,
  { compat, crossEntropyWeight, diceWeight, diceReduction }: Required<MarginalLossOptions>,
): { value: Scalar; terms: { crossEntropy: Tensor; dice: Tensor; classDice: Tensor2D } } {
  const { own, first, counted } = groups;
  const published = compat === "paper";
  const scores = published ? logits : mergeLogits(logits, groups, compat === "reference");
  const p = (published && probabilities) || softmax(scores);
  const group = published ? groups.group : mul(groups.group, perVoxel(add(own, first))); // without unused channels
  const withoutPadding = compat === "reference" ? softmax(mergeLogits(logits, groups, false)) : p;

  const classDice = groupDice(withoutPadding, groups);
  const perSample = sum(classDice, 1);
  const count = sum(add(own, first), 1);
  const ofSamples = (x: Tensor): Tensor => mean(mul(counted, x));
  const crossEntropy = ofSamples(groupCrossEntropy(scores, p, group));
  const dice = ofSamples(diceReduction === "sum" ? perSample : div(perSample, count));
  const value = add(mul(crossEntropy, crossEntropyWeight), mul(dice, diceWeight)) as Scalar;
  return { value, terms: { crossEntropy, dice, classDice } };
}
