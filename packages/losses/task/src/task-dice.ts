import { checkChoice, checkPositive, checkTarget, type SegmentationLoss, withDefaults } from "@plseg/core";
import {
  add,
  customGrad,
  div,
  equal,
  type GradSaveFunc,
  mul,
  reshape,
  sigmoid,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
  where,
} from "@tensorflow/tfjs-core";
import { type KnownVoxels, knownVoxels, meanOfChannels, type TaskOptions, VOXELS } from "./known-voxels.js";

/** Options of {@link taskDice}. */
export interface TaskDiceOptions extends TaskOptions {
  /** ε, in voxels. */
  readonly smooth?: number;
}

/** What {@link taskDice} uses where an option is missing. */
export const TASK_DICE_DEFAULTS: Required<TaskDiceOptions> = { compat: "paper", smooth: 1 };

/**
 * Binary Dice loss of tasks of which not all are annotated: every channel is a task with a sigmoid of its own.
 *
 *     mean over channels k of the mean over samples b of 1 − (2 Σ s y + ε) / (Σ s + Σ y + ε)    s = sigmoid(logits)
 *
 * y is `target.oneHot`: 1 on the organ, 0 beside it, −1 where nobody knows; channels need not exclude each other. The
 * sums run over the voxels that are not −1. A (sample, channel) pair counts if `target.annotated` is 1 and a voxel is
 * known. Samples and channels without such a pair are left out of the means; without any the loss is 0. So a network
 * with one channel, asked for another organ in each sample, has `oneHot` with one channel and `annotated` `[batch, 1]`:
 * see {@link taskTarget}. To leave out a background channel, set its column of `annotated` to 0.
 *
 * With compat `"reference"` (the code published with PL-Seg for DoDNet and CoNeMOS) a pair counts unless its first
 * voxel is −1; `annotated` is ignored, and a −1 elsewhere enters the sums as a number, so the denominator may come to 0
 * (then it is ε). ε is added to the denominator only, so an annotated organ that is absent has loss 1 and no gradient.
 * Where the reference returns NaN, nothing being annotated, the loss is 0 here too.
 *
 * `compute` takes logits `[batch, depth, height, width, channel]` and keeps no state. Its term `perPair`
 * `[batch, channel]` holds the Dice losses, 0 for pairs that do not count.
 *
 * @throws ConfigError from the factory if an option is impossible; ShapeError from `compute` if shapes disagree.
 *
 * @see Zhang et al., DoDNet, CVPR 2021, https://arxiv.org/abs/2011.10217; CoNeMOS trains with it too.
 */
export function taskDice(options: TaskDiceOptions = {}): SegmentationLoss {
  const { compat, smooth } = withDefaults(TASK_DICE_DEFAULTS, options);
  checkChoice("taskDice", "compat", compat, ["paper", "reference"]);
  checkPositive("taskDice", "smooth", smooth);
  return {
    init: () => ({}),
    compute(logits, target, state) {
      checkTarget("taskDice", logits, target);
      const reading = knownVoxels(target, compat);
      const losses = diceLosses(logits, reading, smooth, compat === "paper" ? 0 : smooth);
      return {
        value: meanOfChannels(losses, reading.pairs),
        state,
        terms: { perPair: mul(losses, reading.pairs) },
      };
    },
  };
}

/**
 * The Dice loss of every pair, `[batch, channel]`, with its gradient derived by hand.
 *
 *     (E + offset) / (D + ε)    E = Σ s + Σ y − 2 Σ s y    D = Σ s + Σ y
 */
function diceLosses(logits: Tensor5D, { y, known }: KnownVoxels, smooth: number, offset: number): Tensor2D {
  const [batch, , , , channels] = logits.shape;
  const losses = customGrad((...inputs: (Tensor | GradSaveFunc)[]) => {
    const [x, save] = inputs as [Tensor, GradSaveFunc];
    const s = sigmoid(x);
    const error = sum(mul(known, add(s, mul(y, sub(1, mul(s, 2))))), VOXELS);
    const size = add(sum(mul(known, add(s, y)), VOXELS), smooth);
    const rate = div(1, where(equal(size, 0), smooth, size)); // 0 only if some of its y are −1
    const value = mul(add(error, offset), rate);
    save([s, y, known, value, rate]);
    return { value, gradFunc: backward };
  });
  // ∂L/∂s = (1 − 2y − L) / (D + ε), then through the sigmoid
  const backward = (upstream: Tensor, saved: Tensor[]): Tensor[] => {
    const [s, y, known, value, rate] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const perVoxel = (pairs: Tensor): Tensor => reshape(pairs, [batch, 1, 1, 1, channels]);
    const scale = mul(upstream, rate);
    const byS = sub(perVoxel(mul(scale, sub(1, value))), mul(y, perVoxel(mul(scale, 2))));
    return [mul(mul(mul(s, sub(1, s)), known), byS)];
  };
  return losses(logits) as Tensor2D;
}
