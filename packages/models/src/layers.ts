import type { NetworkMode, Weights } from "@plseg/core";
import { batchNorm3d, batchNorm3dInference, resizeTrilinear, updateRunningStatistics } from "@plseg/ops";
import { add, conv3d, matMul, type Tensor1D, type Tensor2D, type Tensor5D } from "@tensorflow/tfjs-core";

/** Convolution with a cubic kernel, zeros around, without bias. `[batch, d, h, w, from]` → `[batch, d, h, w, to]` */
export function convolve(weights: Weights, x: Tensor5D, to: number, size = 3): Tensor5D {
  const kernel = weights.get("weight", [size, size, size, x.shape[4], to], "xavier-normal") as Tensor5D;
  return conv3d(x, kernel, 1, "same");
}

/** 1×1×1 convolution with bias. `[batch, d, h, w, from]` → `[batch, d, h, w, to]` */
export function project(weights: Weights, x: Tensor5D, to: number): Tensor5D {
  return add(convolve(weights, x, to, 1), weights.get("bias", [to], "zeros"));
}

/** Batch norm. In training it goes by the batch and moves the running statistics, by which it goes otherwise. */
export function batchNorm(weights: Weights, x: Tensor5D, { training }: NetworkMode): Tensor5D {
  const channels = x.shape[4];
  const scale = weights.get("weight", [channels], "ones") as Tensor1D;
  const offset = weights.get("bias", [channels], "zeros") as Tensor1D;
  const mean = weights.buffer("running_mean", [channels], "zeros") as Tensor1D;
  const variance = weights.buffer("running_var", [channels], "ones") as Tensor1D;
  if (!training) return batchNorm3dInference(x, { mean, variance, scale, offset });

  const { y, ...batch } = batchNorm3d(x, scale, offset);
  const next = updateRunningStatistics({ mean, variance }, batch, x.size / channels);
  weights.setBuffer("running_mean", next.mean);
  weights.setBuffer("running_var", next.variance);
  return y;
}

/** Trilinear resize, corners aligned unless told. `[batch, d, h, w, channel]` → `[batch, 2d, 2h, 2w, channel]` */
export function double(x: Tensor5D, alignCorners = true): Tensor5D {
  const [, depth, height, width] = x.shape;
  return resizeTrilinear(x, [2 * depth, 2 * height, 2 * width], { alignCorners });
}

/** Linear layer with bias. `[batch, from]` → `[batch, to]` */
export function linear(weights: Weights, x: Tensor2D, to: number): Tensor2D {
  const matrix = weights.get("weight", [x.shape[1], to], "xavier-normal") as Tensor2D;
  return add(matMul(x, matrix), weights.get("bias", [to], "zeros"));
}
