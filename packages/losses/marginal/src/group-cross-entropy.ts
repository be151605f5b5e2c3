import {
  add,
  customGrad,
  div,
  exp,
  type GradSaveFunc,
  log,
  max,
  mul,
  reshape,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
} from "@tensorflow/tfjs-core";
import { VOXELS } from "./label-groups.js";

/** A logit whose probability is 0. Finite, so that it may be multiplied by 0. */
export const NEVER = -1e38;

/**
 * Voxel mean of −log Σ softmax(z)[n] over the classes n of a group that may differ from voxel to voxel.
 *
 *     −log Σ_{n ∈ G} softmax(z)[n] = log Σ_n exp z[n] − log Σ_{n ∈ G} exp z[n]
 *
 * Both sums are taken relative to their largest term, so they are at least 1 however small the probability of the group.
 * The gradient by z is (p − r)/V, r being the softmax over G alone, 0 elsewhere.
 *
 * @param logits - z, `[batch, depth, height, width, class]`.
 * @param probabilities - p = softmax(z).
 * @param group - G: 1 for the classes in it, else 0; at least one at every voxel. Same shape.
 * @returns One value per sample.
 */
export function groupCrossEntropy(logits: Tensor, probabilities: Tensor, group: Tensor): Tensor1D {
  const [batch = 1, depth = 1, height = 1, width = 1] = logits.shape;
  const voxels = depth * height * width;
  const crossEntropy = customGrad((...inputs: (Tensor | GradSaveFunc)[]) => {
    const [z, save] = inputs as [Tensor, GradSaveFunc];
    const all = exponentials(z);
    const inGroup = exponentials(add(z, mul(sub(1, group), NEVER)));
    save([probabilities, div(inGroup.powers, inGroup.total)]);
    const surprise = add(sub(all.largest, inGroup.largest), log(div(all.total, inGroup.total)));
    return { value: div(sum(surprise, [...VOXELS, 4]), voxels), gradFunc: backward };
  });
  const backward = (upstream: Tensor, saved: Tensor[]): Tensor[] => {
    const [p, r] = saved as [Tensor, Tensor];
    return [mul(sub(p, r), reshape(div(upstream, voxels), [batch, 1, 1, 1, 1]))];
  };
  return crossEntropy(logits) as Tensor1D;
}

/** exp(z − max z) and its sum over classes, as in a softmax, which an engine then computes only once. */
function exponentials(z: Tensor): { largest: Tensor; powers: Tensor; total: Tensor } {
  const largest = max(z, -1, true);
  const powers = exp(sub(z, largest));
  return { largest, powers, total: sum(powers, -1, true) };
}
