import {
  ConfigError,
  ShapeError,
  type Size3D,
  showShape,
  sizeOf,
  type Volume,
  type VoxelArray,
  withDefaults,
} from "@plseg/core";
import { type Grid, invertible } from "./affine.js";
import { type AxisTaps, alignedAxes, blurTaps, indexMap } from "./resample-axes.js";
import { sliceResampler } from "./slice-resampler.js";

/** Options of {@link resample}. */
export interface ResampleOptions {
  /** Value of what lies outside the image's field of view, or `"edge"` for that of the nearest voxel. */
  readonly fill?: number | "edge";
  /** Whether finer detail than the new grid can hold is smoothed away first, along axes that become coarser. */
  readonly antialias?: boolean;
}

/** What {@link resample} does where an option is missing. */
export const RESAMPLE_DEFAULTS: Required<ResampleOptions> = { fill: "edge", antialias: true };

/**
 * An image on another grid, by linear interpolation between voxel centers.
 *
 * Along an axis that becomes coarser, plain interpolation would skip voxels and keep their noise, so there each new voxel is
 * a mean of the old ones, weighted by a triangle that falls to 0 at the centers of its neighbors (as PyTorch's
 * `interpolate` with `antialias`). `antialias: false` interpolates plainly, as nnU-Net, MONAI and SciPy do.
 *
 * The field of view reaches half a voxel beyond the outermost centers; in that half, values are those of the edge.
 * If the axes of both grids run along the same directions, in any order, it is done axis by axis, one slice of the image at
 * a time; else point by point, after smoothing along the image's axes, which takes a second copy of the image. A
 * voxel that is not a number spreads to the voxels that take part of it.
 *
 * @throws ShapeError if the image's shape does not fit its voxels; ConfigError unless the target is a grid.
 */
export function resample(image: Volume<VoxelArray>, target: Grid, options: ResampleOptions = {}): Volume {
  const { fill, antialias } = withDefaults(RESAMPLE_DEFAULTS, options);
  checkVolume("resample", image);
  checkGrid("resample", target);
  const taps = alignedAxes(image, target, antialias);
  return taps ? byAxes(image, target, taps, fill) : byPoints(image, target, fill, antialias);
}

/** @throws ConfigError unless `grid` has whole, positive sizes and an affine with an inverse. */
export function checkGrid(where: string, { shape, affine }: Grid): void {
  if (!shape.every((size) => Number.isSafeInteger(size) && size > 0))
    throw new ConfigError(`${where}: the grid's shape must be positive whole numbers, got ${showShape(shape)}.`);
  if (!invertible(affine))
    throw new ConfigError(`${where}: the grid's affine must be invertible and finite, got [${affine.join(", ")}].`);
}

/** @throws ShapeError unless the voxels fill the shape; ConfigError unless it is a grid. */
export function checkVolume(where: string, volume: Volume<VoxelArray>): void {
  checkGrid(where, volume);
  if (sizeOf(volume.shape) !== volume.data.length)
    throw new ShapeError(
      `${where}: shape ${showShape(volume.shape)} must hold ${sizeOf(volume.shape)} voxels, got ${volume.data.length}.`,
    );
}

function byAxes(
  { data, shape }: Volume<VoxelArray>,
  target: Grid,
  taps: readonly [AxisTaps, AxisTaps, AxisTaps],
  fill: number | "edge",
): Volume {
  const resampler = sliceResampler(shape, target, taps, fill);
  const area = shape[1] * shape[2];
  for (let slice = 0; slice < shape[0]; slice++) resampler.push(data.subarray(slice * area, (slice + 1) * area));
  return resampler.finish();
}

function byPoints(image: Volume<VoxelArray>, target: Grid, fill: number | "edge", antialias: boolean): Volume {
  const map = indexMap(image, target);
  // How far, in voxels of the image, neighbors in the target are apart along each axis of the image.
  const reach = [0, 4, 8].map((row) => Math.hypot(...[0, 1, 2].map((column) => map[row + column] as number)));
  const { shape } = image;
  const smooth = antialias && reach.some((voxels) => voxels > 1);
  const taps = ([0, 1, 2] as const).map((axis) => blurTaps(axis, shape[2 - axis] as number, reach[axis] as number));
  const { data } = smooth
    ? byAxes(image, image, taps as unknown as readonly [AxisTaps, AxisTaps, AxisTaps], "edge")
    : image;
  const result = new Float32Array(sizeOf(target.shape));
  const [depth, height, width] = target.shape;
  const [ax, bx, cx, ox, ay, by, cy, oy, az, bz, cz, oz] = map;
  let at = 0;
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        result[at++] = sample(
          data,
          shape,
          ax * x + bx * y + cx * z + ox,
          ay * x + by * y + cy * z + oy,
          az * x + bz * y + cz * z + oz,
          fill,
        );
  return { data: result, shape: target.shape, affine: target.affine };
}

/** Interpolates at a column, a row and a slice. */
function sample(
  data: VoxelArray,
  [depth, height, width]: Size3D,
  x: number,
  y: number,
  z: number,
  fill: number | "edge",
): number {
  if (fill !== "edge" && !(within(x, width) && within(y, height) && within(z, depth))) return fill;
  const [px, py, pz] = [clamp(x, width), clamp(y, height), clamp(z, depth)];
  const [x0, y0, z0] = [Math.floor(px), Math.floor(py), Math.floor(pz)];
  const [fx, fy, fz] = [px - x0, py - y0, pz - z0];
  let value = 0;
  for (let corner = 0; corner < 8; corner++) {
    const weight = (corner & 1 ? fx : 1 - fx) * (corner & 2 ? fy : 1 - fy) * (corner & 4 ? fz : 1 - fz);
    if (weight === 0) continue;
    const index = ((z0 + (corner >> 2)) * height + y0 + ((corner >> 1) & 1)) * width + x0 + (corner & 1);
    value += weight * (data[index] as number);
  }
  return value;
}

const within = (position: number, size: number): boolean => position >= -0.5 && position <= size - 0.5;
const clamp = (position: number, size: number): number => Math.min(Math.max(position, 0), size - 1);
