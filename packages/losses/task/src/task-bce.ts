import { checkChoice, checkTarget, type SegmentationLoss, withDefaults } from "@plseg/core";
import {
  abs,
  add,
  customGrad,
  div,
  type GradSaveFunc,
  mul,
  neg,
  relu,
  reshape,
  sigmoid,
  softplus,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
} from "@tensorflow/tfjs-core";
import { type KnownVoxels, knownVoxels, meanOfChannels, type TaskOptions, VOXELS } from "./known-voxels.js";

/** Options of {@link taskBce}. */
export interface TaskBceOptions extends TaskOptions {}

/** What {@link taskBce} uses where an option is missing. */
export const TASK_BCE_DEFAULTS: Required<TaskBceOptions> = { compat: "paper" };

/**
 * Binary cross entropy of tasks of which not all are annotated: every channel is a task with a sigmoid of its own.
 *
 *     mean over channels k of the mean over samples b of the mean over voxels of −y log s − (1 − y) log(1 − s)
 *
 * s = sigmoid(logits); the terms are computed as max(x, 0) − x y + log(1 + exp(−|x|)), which no logit overflows.
 * Targets, and what counts, are as in {@link taskDice}: y is 1, 0, or −1 where nobody knows; the innermost mean is over
 * the voxels that are not −1, the others over the pairs with `target.annotated` 1. Nothing annotated: the loss is 0.
 *
 * With compat `"reference"` (the code published with PL-Seg for DoDNet and CoNeMOS) a pair counts unless its first
 * voxel is −1; `annotated` is ignored, and a −1 elsewhere enters the formula as a number. Where the reference returns
 * NaN, nothing being annotated, the loss is 0 here too.
 *
 * `compute` takes logits `[batch, depth, height, width, channel]` and keeps no state. Its term `perPair`
 * `[batch, channel]` holds the voxel means, 0 for pairs that do not count.
 *
 * @throws ConfigError from the factory if an option is impossible; ShapeError from `compute` if shapes disagree.
 *
 * @see Zhang et al., DoDNet, CVPR 2021, https://arxiv.org/abs/2011.10217; CoNeMOS trains with it too.
 */
export function taskBce(options: TaskBceOptions = {}): SegmentationLoss {
  const { compat } = withDefaults(TASK_BCE_DEFAULTS, options);
  checkChoice("taskBce", "compat", compat, ["paper", "reference"]);
  return {
    init: () => ({}),
    compute(logits, target, state) {
      checkTarget("taskBce", logits, target);
      const reading = knownVoxels(target, compat);
      const losses = crossEntropies(logits, reading);
      return {
        value: meanOfChannels(losses, reading.pairs),
        state,
        terms: { perPair: mul(losses, reading.pairs) },
      };
    },
  };
}

/** The voxel mean of every pair's cross entropy, `[batch, channel]`. Its gradient by the logits is (s − y)/V. */
function crossEntropies(logits: Tensor5D, { y, known, voxels }: KnownVoxels): Tensor2D {
  const [batch, , , , channels] = logits.shape;
  const losses = customGrad((...inputs: (Tensor | GradSaveFunc)[]) => {
    const [x, save] = inputs as [Tensor, GradSaveFunc];
    const entropy = add(sub(relu(x), mul(x, y)), softplus(neg(abs(x))));
    save([mul(known, sub(sigmoid(x), y)), voxels]);
    return { value: div(sum(mul(known, entropy), VOXELS), voxels), gradFunc: backward };
  });
  const backward = (upstream: Tensor, saved: Tensor[]): Tensor[] => {
    const [residual, voxels] = saved as [Tensor, Tensor];
    return [mul(residual, reshape(div(upstream, voxels), [batch, 1, 1, 1, channels]))];
  };
  return losses(logits) as Tensor2D;
}
