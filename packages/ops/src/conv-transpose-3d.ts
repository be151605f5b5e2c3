import { checkRank, ShapeError } from "@plseg/core";
import { matMul, reshape, type Tensor2D, type Tensor5D, transpose } from "@tensorflow/tfjs-core";

/**
 * Transposed convolution whose stride is the size of its kernel: every voxel becomes a block of voxels.
 *
 *     y[kD·d + i, kH·h + j, kW·w + k, o] = Σ_c x[d, h, w, c] · kernel[i, j, k, o, c]
 *
 * One matrix product and one reordering, both of which have gradients, as tfjs' `conv3dTranspose` has not.
 *
 * @param x - `[batch, depth, height, width, in]`.
 * @param kernel - `[kD, kH, kW, out, in]`: as tfjs' transposed convolutions take it.
 * @returns `[batch, kD · depth, kH · height, kW · width, out]`.
 * @throws ShapeError if the ranks or the channels do not fit.
 * @see PyTorch `ConvTranspose3d` with stride = kernel_size, with which it agrees.
 */
export function convTranspose3d(x: Tensor5D, kernel: Tensor5D): Tensor5D {
  checkRank("convTranspose3d", ["x", x.shape], [5]);
  checkRank("convTranspose3d", ["kernel", kernel.shape], [5]);
  const [batch, depth, height, width, channels] = x.shape;
  const [kD, kH, kW, to, from] = kernel.shape;
  if (from !== channels)
    throw new ShapeError(
      `convTranspose3d: kernel takes ${from} channels, but x has ${channels}. Its shape is [depth, height, width, out, in].`,
    );

  const rows = reshape(x, [batch * depth * height * width, channels]) as Tensor2D;
  const matrix = reshape(kernel, [kD * kH * kW * to, channels]) as Tensor2D;
  const blocks = reshape(matMul(rows, matrix, false, true), [batch * depth, height, width, kD, kH, kW * to]);
  return reshape(transpose(blocks, [0, 3, 1, 4, 2, 5]), [batch, kD * depth, kH * height, kW * width, to]);
}
