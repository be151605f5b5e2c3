import { checkRank, type Size3D } from "@plseg/core";
import { gather, stridedSlice, type Tensor5D, tensor1d } from "@tensorflow/tfjs-core";
import { checkSize } from "./resize-trilinear.js";

/**
 * Nearest-neighbor resize to a given size, for label maps and one-hot maps.
 *
 *     source of voxel i of an axis, n → o voxels:   min(⌊i · n/o⌋, n − 1), in single precision
 *
 * Halving keeps voxels 0, 2, 4 … of every axis. Axes that shrink by a whole factor are one strided slice, others are
 * gathered. Meant for labels: tfjs has no gradient for a strided slice, so none can be taken through it.
 *
 * @param x - `[batch, depth, height, width, channel]`.
 * @param size - Depth, height and width of the result.
 * @returns `[batch, ...size, channel]`, of the same dtype.
 * @throws ShapeError if `x` has another rank, ConfigError if a size is not a whole number of at least 1.
 * @see PyTorch `interpolate(mode="nearest")`, with which it agrees.
 */
export function resizeNearest(x: Tensor5D, size: Size3D): Tensor5D {
  checkRank("resizeNearest", ["x", x.shape], [5]);
  checkSize("resizeNearest", size);

  const axes = [1, 2, 3].map((axis) => ({ axis, from: x.shape[axis] as number, to: size[axis - 1] as number }));
  const strides = x.shape.map(() => 1);
  for (const { axis, from, to } of axes) if (from % to === 0) strides[axis] = from / to;
  let h = x;
  if (strides.some((stride) => stride > 1)) h = stridedSlice(h, [0, 0, 0, 0, 0], x.shape, strides) as Tensor5D;
  for (const { axis, from, to } of axes)
    if (from % to !== 0) h = gather(h, tensor1d(nearestIndices(from, to), "int32"), axis);
  return h;
}

/** The source index of each of `to` voxels among `from`. */
export function nearestIndices(from: number, to: number): number[] {
  const scale = Math.fround(from / to);
  return Array.from({ length: to }, (_, i) => Math.min(Math.floor(Math.fround(i * scale)), from - 1));
}
