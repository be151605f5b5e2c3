import type { Tensor1D, Tensor5D } from "@tensorflow/tfjs-core";
import { type GroupNorm3dOptions, groupNorm3d } from "./group-norm-3d.js";

/**
 * Instance normalization of a volume: each channel of each sample by its own mean and biased variance. Group normalization
 * with a group for each channel.
 *
 * @param x - `[batch, depth, height, width, channel]`.
 * @param scale - `[channel]`, called weight or gamma elsewhere.
 * @param offset - `[channel]`, called bias or beta elsewhere.
 * @throws ShapeError if the ranks or the channels do not fit.
 * @see Ulyanov et al., 2016, https://arxiv.org/abs/1607.08022. PyTorch `InstanceNorm3d(affine=True)`.
 */
export function instanceNorm3d(
  x: Tensor5D,
  scale: Tensor1D,
  offset: Tensor1D,
  options: GroupNorm3dOptions = {},
): Tensor5D {
  return groupNorm3d(x, x.shape.at(-1) ?? 1, scale, offset, options);
}
