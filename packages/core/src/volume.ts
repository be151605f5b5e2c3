import type { Size3D } from "./shape.js";

/**
 * Voxel index to millimeters in RAS+, row-major 4×4: `[x, y, z, 1]ᵀ = affine · [column, row, slice, 1]ᵀ`.
 * The column is the width index, the row the height index and the slice the depth index.
 */
export type Affine = readonly [
  ...[number, number, number, number],
  ...[number, number, number, number],
  ...[number, number, number, number],
  ...[number, number, number, number],
];

/** What voxels are held in. */
export type VoxelArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** A scan. Voxel `(slice, row, column)` is `data[(slice * height + row) * width + column]`, as in a NIfTI file. */
export interface Volume<Voxels extends VoxelArray = Float32Array> {
  /** The voxels, width fastest. */
  readonly data: Voxels;
  /** Voxels along depth, height, width. */
  readonly shape: Size3D;
  /** Where the voxels lie, in millimeters. */
  readonly affine: Affine;
}

/** A volume whose voxels are class indices. */
export type LabelMap = Volume<Uint8Array | Uint16Array>;

/** Distance in millimeters between neighboring voxels along depth, height and width. */
export function spacingOf(affine: Affine): Size3D {
  const column = (axis: number): number => Math.hypot(affine[axis] ?? 0, affine[4 + axis] ?? 0, affine[8 + axis] ?? 0);
  return [column(2), column(1), column(0)];
}

/** An affine without rotation: `spacing` in millimeters in `[depth, height, width]` order, voxel 0 at the origin. */
export function scalingAffine([depth, height, width]: Size3D): Affine {
  return [width, 0, 0, 0, 0, height, 0, 0, 0, 0, depth, 0, 0, 0, 0, 1];
}
