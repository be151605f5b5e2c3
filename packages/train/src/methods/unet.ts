import type { PartialTarget } from "@plseg/core";
import {
  add,
  addN,
  clipByValue,
  div,
  logSoftmax,
  mean,
  mul,
  neg,
  type Scalar,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor5D,
} from "@tensorflow/tfjs-core";
import type { Method } from "../method.js";

/** Every axis but the classes'. */
const VOXELS = [0, 1, 2, 3];

/** Plain U-Net: unannotated organs are taken for background. The baseline that partial labels ruin. */
export const unet: Method = {
  name: "unet",
  summary: "plain U-Net, unannotated organs taken for background",
  deepSupervision: false,
  objective: () => ({
    init: () => ({}),
    compute([logits], { oneHot }: PartialTarget) {
      const value = diceAndCrossEntropy(logits as Tensor5D, oneHot);
      return { value, state: {}, terms: { supervised: value } };
    },
  }),
};

/**
 * `(Dice + cross entropy) / 2` over all classes and the whole batch.
 *
 *     Dice = 1 − mean_c 2 Σ p y / (Σ p + Σ y + 1e-5)          p = max(softmax(logits), 1e-10), sums over voxels and batch
 */
function diceAndCrossEntropy(logits: Tensor5D, oneHot: Tensor5D): Scalar {
  const p = clipByValue(softmax(logits), 1e-10, 1);
  const overlap = sum(mul(p, oneHot), VOXELS); // [class]
  const sizes = addN([sum(p, VOXELS), sum(oneHot, VOXELS)]);
  const dice = sub(1, mean(div(mul(overlap, 2), add(sizes, 1e-5))));
  const crossEntropy = neg(mean(sum(mul(oneHot, logSoftmax(logits)) as Tensor, -1)));
  return div(add(dice, crossEntropy), 2);
}
