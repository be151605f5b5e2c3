import { add, div, greater, log, max, maximum, mul, sub, sum, type Tensor, where } from "@tensorflow/tfjs-core";
import { NEVER } from "./group-cross-entropy.js";
import { type LabelGroups, perVoxel } from "./label-groups.js";

/**
 * Logits of the groups as the code of PL-Seg merges them: that of the first group, in the background's channel, is the
 * sum of the logits of its classes. Organs merged into it leave their channels unused.
 *
 * @param padded - Whether every sample has as many groups as the largest one of the batch, those it lacks having the
 *   logit 0. Here they share the unused channels: k of them in u channels is a logit of log(k/u) in each.
 * @returns Same shape as the logits.
 */
export function mergeLogits(logits: Tensor, { own, first }: LabelGroups, padded: boolean): Tensor {
  const merged = sub(1, own); // [batch, class]
  const unused = sub(merged, first);
  let level: Tensor = mul(unused, NEVER);
  if (padded) {
    const groups = sum(own, 1, true); // [batch, 1]
    const missing = sub(max(groups), groups);
    const share = log(div(maximum(missing, 1), maximum(sum(unused, 1, true), 1)));
    level = mul(unused, where(greater(missing, 0.5), share, NEVER));
  }
  const background = sum(mul(logits, perVoxel(merged)), -1, true);
  return add(add(mul(logits, perVoxel(own)), mul(background, perVoxel(first))), perVoxel(level));
}
