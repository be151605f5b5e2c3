import type { Affine, Size3D } from "@plseg/core";
import { type Grid, inverseAffine, multiplyAffines } from "./affine.js";

/** An axis of the source: width, height or depth, in this order everywhere in this file. */
export type Axis = 0 | 1 | 2;

/** How one axis of the source is read to fill one axis of the target. */
export interface AxisTaps {
  /** The axis of the target that runs along this axis of the source. */
  readonly target: Axis;
  /** Voxels of the target along it. */
  readonly size: number;
  /** Most voxels of the source that one voxel of the target takes. */
  readonly width: number;
  /** By voxel of the target: the first voxel of the source that it takes. */
  readonly first: Int32Array;
  /** By voxel of the target: how many it takes. */
  readonly count: Int32Array;
  /** Weights, `width` per voxel of the target; those of a voxel sum to 1. */
  readonly weights: Float64Array;
  /** By voxel of the target: the voxel of the source whose center is nearest. */
  readonly nearest: Int32Array;
  /** By voxel of the target: 1 if its center lies in the field of view of the source. */
  readonly inside: Uint8Array;
}

/** Axes count as parallel if no voxel is moved by more than this part of a voxel of the source. */
const PARALLEL = 1e-3;

/** Positions this close to a voxel's center, in voxels, are taken for the center: rounding of a float32 affine is less. */
const SNAP = 1e-4;

/** Voxel indices of `target` to voxel indices of `source`. */
export function indexMap(source: Grid, target: Grid): Affine {
  return multiplyAffines(inverseAffine(source.affine), target.affine);
}

/**
 * How to fill the target axis by axis, or `undefined` if its axes do not run along those of the source. Axes may change
 * their order and direction.
 *
 * Where the target is as fine as the source or finer along an axis, weights are those of linear interpolation. Where it is
 * coarser and `antialias` is set, they are a triangle that reaches one voxel of the target to either side.
 */
export function alignedAxes(
  source: Grid,
  target: Grid,
  antialias: boolean,
): readonly [width: AxisTaps, height: AxisTaps, depth: AxisTaps] | undefined {
  const map = indexMap(source, target);
  const [from, to] = [sizesOf(source.shape), sizesOf(target.shape)];
  const taps: AxisTaps[] = [];
  for (const axis of [0, 1, 2] as const) {
    const steps = [0, 1, 2].map((column) => map[4 * axis + column] as number);
    const along = steps.map(Math.abs).indexOf(Math.max(...steps.map(Math.abs))) as Axis;
    let shift = map[4 * axis + 3] as number;
    for (const other of [0, 1, 2] as const) {
      if (other === along) continue;
      const drift = (steps[other] as number) * (to[other] - 1);
      if (!(Math.abs(drift) < PARALLEL)) return undefined;
      shift += drift / 2;
    }
    if (taps.some(({ target: taken }) => taken === along)) return undefined;
    taps.push(tapsOf(along, from[axis], to[along], steps[along] as number, shift, antialias));
  }
  return taps as unknown as readonly [AxisTaps, AxisTaps, AxisTaps];
}

/** Weights of a triangle of half-width `reach` voxels around each voxel of an axis, on its own grid: a blur. */
export function blurTaps(axis: Axis, size: number, reach: number): AxisTaps {
  return tapsOf(axis, size, size, 1, 0, reach > 1, reach);
}

/** Voxels along width, height, depth. */
export const sizesOf = ([depth, height, width]: Size3D): readonly [number, number, number] => [width, height, depth];

function tapsOf(
  target: Axis,
  from: number,
  size: number,
  step: number,
  shift: number,
  antialias: boolean,
  reach: number = Math.abs(step),
): AxisTaps {
  const blur = antialias && reach > 1 + SNAP;
  const width = blur ? Math.min(from, Math.ceil(2 * reach) + 1) : Math.min(from, 2);
  const first = new Int32Array(size);
  const count = new Int32Array(size);
  const weights = new Float64Array(size * width);
  const nearest = new Int32Array(size);
  const inside = new Uint8Array(size);
  for (let t = 0; t < size; t++) {
    const exact = step * t + shift;
    inside[t] = exact >= -0.5 - SNAP && exact <= from - 0.5 + SNAP ? 1 : 0;
    const at = snapped(Math.min(Math.max(exact, 0), from - 1));
    nearest[t] = Math.round(at);
    const low = blur ? Math.max(0, Math.floor(at - reach) + 1) : Math.floor(at);
    const high = blur ? Math.min(from - 1, Math.ceil(at + reach) - 1) : Math.ceil(at);
    let sum = 0;
    for (let i = low; i <= high; i++) sum += 1 - Math.abs(i - at) / (blur ? reach : 1);
    first[t] = low;
    count[t] = high - low + 1;
    for (let i = low; i <= high; i++) weights[t * width + i - low] = (1 - Math.abs(i - at) / (blur ? reach : 1)) / sum;
  }
  return { target, size, width, first, count, weights, nearest, inside };
}

function snapped(position: number): number {
  const whole = Math.round(position);
  return Math.abs(position - whole) < SNAP ? whole : position;
}
