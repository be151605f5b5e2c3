import { type Size3D, sizeOf, type Volume, type VoxelArray } from "@plseg/core";
import type { Grid } from "./affine.js";
import { type AxisTaps, sizesOf } from "./resample-axes.js";

/** Resamples an image whose slices come one after the other: only the slice at hand and the result are in memory. */
export interface SliceResampler {
  /** Takes the next slice of the source, `[height, width]`. It is not kept. */
  push(slice: VoxelArray): void;
  /** The image on the target's grid, after the last slice. */
  finish(): Volume;
}

/** @param taps - Of the source's width, height and depth (see `alignedAxes`). */
export function sliceResampler(
  [, height, width]: Size3D,
  target: Grid,
  taps: readonly [AxisTaps, AxisTaps, AxisTaps],
  fill: number | "edge",
): SliceResampler {
  const [alongX, alongY, alongZ] = taps;
  const result = new Float32Array(sizeOf(target.shape));
  const sizes = sizesOf(target.shape);
  const strides = [1, sizes[0], sizes[0] * sizes[1]] as const;
  const [strideX, strideY, strideZ] = taps.map((axis) => strides[axis.target]) as [number, number, number];
  const source = new Float32Array(height * width);
  const row = new Float64Array(width);
  const plane = new Float32Array(alongX.size * alongY.size);
  let slice = 0;

  const push = (voxels: VoxelArray): void => {
    const uses = targetsOf(alongZ, slice++);
    if (uses.length === 0) return;
    source.set(voxels);
    for (let y = 0; y < alongY.size; y++) {
      mixRows(row, source, width, alongY, y);
      mixColumns(plane, y * alongX.size, row, alongX);
    }
    for (const { index, weight } of uses)
      addPlane(result, index * strideZ, plane, alongX.size, alongY.size, strideX, strideY, weight);
  };
  const finish = (): Volume => {
    if (fill !== "edge") fillOutside(result, taps, [strideX, strideY, strideZ], fill);
    return { data: result, shape: target.shape, affine: target.affine };
  };
  return { push, finish };
}

/** The slices of the target that take a slice of the source, with its weights. */
function targetsOf(taps: AxisTaps, slice: number): { readonly index: number; readonly weight: number }[] {
  const uses: { index: number; weight: number }[] = [];
  for (let t = 0; t < taps.size; t++) {
    const offset = slice - (taps.first[t] as number);
    if (offset < 0 || offset >= (taps.count[t] as number)) continue;
    const weight = taps.weights[t * taps.width + offset] as number;
    if (weight > 0) uses.push({ index: t, weight });
  }
  return uses;
}

/** row ← Σ weight · source row */
function mixRows(row: Float64Array, source: Float32Array, width: number, taps: AxisTaps, y: number): void {
  const first = taps.first[y] as number;
  const count = taps.count[y] as number;
  const weights = y * taps.width;
  for (let k = 0; k < count; k++) {
    const weight = taps.weights[weights + k] as number;
    const from = (first + k) * width;
    if (k === 0) for (let x = 0; x < width; x++) row[x] = weight * (source[from + x] as number);
    else for (let x = 0; x < width; x++) row[x] = (row[x] as number) + weight * (source[from + x] as number);
  }
}

/** plane[at + x] ← Σ weight · row */
function mixColumns(plane: Float32Array, at: number, row: Float64Array, taps: AxisTaps): void {
  const { first, count, weights, width, size } = taps;
  for (let x = 0; x < size; x++) {
    const from = first[x] as number;
    const taken = count[x] as number;
    let value = 0;
    for (let k = 0; k < taken; k++) value += (weights[x * width + k] as number) * (row[from + k] as number);
    plane[at + x] = value;
  }
}

function addPlane(
  result: Float32Array,
  start: number,
  plane: Float32Array,
  width: number,
  height: number,
  strideX: number,
  strideY: number,
  weight: number,
): void {
  let at = 0;
  for (let y = 0; y < height; y++) {
    let to = start + y * strideY;
    for (let x = 0; x < width; x++, to += strideX)
      result[to] = (result[to] as number) + weight * (plane[at++] as number);
  }
}

/** Sets what lies outside the field of view of the source along any axis. */
function fillOutside(
  result: Float32Array,
  [alongX, alongY, alongZ]: readonly [AxisTaps, AxisTaps, AxisTaps],
  [strideX, strideY, strideZ]: readonly [number, number, number],
  fill: number,
): void {
  if ([alongX, alongY, alongZ].every(({ inside }) => inside.every((flag) => flag === 1))) return;
  for (let z = 0; z < alongZ.size; z++)
    for (let y = 0; y < alongY.size; y++) {
      const start = z * strideZ + y * strideY;
      const rowInside = alongZ.inside[z] && alongY.inside[y];
      for (let x = 0; x < alongX.size; x++) if (!(rowInside && alongX.inside[x])) result[start + x * strideX] = fill;
    }
}
