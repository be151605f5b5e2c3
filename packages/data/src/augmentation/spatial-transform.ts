import type { Size3D } from "@plseg/core";

/** Where the voxels of a patch come from: a flip, rotation and scaling about its middle, and a smooth displacement. */
export interface SpatialTransform {
  /** Axes that are mirrored: depth, height, width. */
  readonly flip: readonly [boolean, boolean, boolean];
  /** Turns about depth, height and width, radians. */
  readonly angles: Size3D;
  /** Size of the anatomy afterwards, along depth, height, width. */
  readonly scale: Size3D;
  /** Control points every `grid` millimeters, moved by up to `amplitude` millimeters. */
  readonly elastic?: { readonly amplitude: number; readonly grid: number; readonly seed: number };
}

/** Three rows of three. */
export type Matrix3 = readonly [Size3D, Size3D, Size3D];

const AXES = [0, 1, 2] as const;

/**
 * The linear part of a transform in voxels: a step in the patch → the step in the source. Angles stay true where voxels are
 * not cubes. Without rotation the off-diagonal is exactly 0, and 1 and −1 are exact.
 */
export function sourceMatrix({ flip, angles, scale }: SpatialTransform, spacing: Size3D): Matrix3 {
  const turned = rotation(angles);
  const row = (i: 0 | 1 | 2): Size3D => {
    const entry = (j: 0 | 1 | 2): number =>
      ((turned[i][j] * (flip[j] ? -1 : 1)) / scale[j]) * (spacing[j] / spacing[i]);
    return [entry(0), entry(1), entry(2)];
  };
  return [row(0), row(1), row(2)];
}

/** A turn about the first axis, then the second, then the third. */
function rotation([a, b, c]: Size3D): Matrix3 {
  const [sa, ca, sb, cb, sc, cc] = [Math.sin(a), Math.cos(a), Math.sin(b), Math.cos(b), Math.sin(c), Math.cos(c)];
  return [
    [cb * cc, sa * sb * cc - ca * sc, ca * sb * cc + sa * sc],
    [cb * sc, sa * sb * sc + ca * cc, ca * sb * sc - sa * cc],
    [-sb, sa * cb, ca * cb],
  ];
}

/** Voxels along each axis, around the patch, that the transform may touch: with so many no border shows. */
export function touchedSize(transform: SpatialTransform, patchSize: Size3D, spacing: Size3D): Size3D {
  const matrix = sourceMatrix(transform, spacing);
  const moved = transform.elastic?.amplitude ?? 0;
  const size = (i: 0 | 1 | 2): number => {
    const reach = AXES.reduce((sum, j) => sum + (Math.abs(matrix[i][j]) * (patchSize[j] - 1)) / 2, moved / spacing[i]);
    // A part in a million of a voxel is rounding.
    return patchSize[i] + 2 * Math.max(0, Math.ceil(reach - (patchSize[i] - 1) / 2 - 1e-6));
  };
  return [size(0), size(1), size(2)];
}
