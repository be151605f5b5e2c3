import { type Affine, DataError, type Size3D, showShape, spacingOf } from "@plseg/core";

/** Whether an affine has an inverse: finite, and no axis (nearly) inside the plane of the others. */
export function invertible(affine: Affine): boolean {
  if (!affine.every(Number.isFinite)) return false;
  const [depth, height, width] = spacingOf(affine);
  return Math.abs(determinant(affine)) > 1e-6 * depth * height * width;
}

/** Determinant of the 3×3 part: the volume of a voxel in mm³, negative if the axes are left-handed. */
export function determinant([a, b, c, , d, e, f, , g, h, i]: Affine): number {
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}

/** The volume of a voxel. */
export const milliliterPerVoxel = ({ affine }: { readonly affine: Affine }): number =>
  Math.abs(determinant(affine)) / 1000;

/** `a` after `b`. */
export function multiplyAffines(a: Affine, b: Affine): Affine {
  return [0, 4, 8, 12].flatMap((row) =>
    [0, 1, 2, 3].map((column) =>
      [0, 1, 2, 3].reduce((sum, k) => sum + (a[row + k] ?? 0) * (b[4 * k + column] ?? 0), 0),
    ),
  ) as unknown as Affine;
}

/** From millimeters to voxel indices. The affine must be {@link invertible}. */
export function inverseAffine(affine: Affine): Affine {
  const [a, b, c, x, d, e, f, y, g, h, i, z] = affine;
  const scale = 1 / determinant(affine);
  const rows = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ].map((row) => row.map((value) => value * scale));
  const withShift = rows.flatMap(([p = 0, q = 0, r = 0]) => [p, q, r, -(p * x + q * y + r * z)]);
  return [...withShift, 0, 0, 0, 1] as unknown as Affine;
}

/** Where a volume's voxels lie. */
export interface Grid {
  /** Voxels along depth, height, width. */
  readonly shape: Size3D;
  /** From voxel indices to millimeters. */
  readonly affine: Affine;
}

/** How far two grids of the same shape may be apart, as a part of the smallest voxel side. */
const TOLERANCE = 0.1;

/**
 * What keeps two volumes from being compared voxel by voxel, in words, or `undefined`: their shapes must be equal and no
 * corner of the one grid may lie further than a tenth of a voxel side from the same corner of the other.
 */
export function gridMismatch(a: Grid, b: Grid): string | undefined {
  if (a.shape.some((size, axis) => size !== b.shape[axis]))
    return `shapes differ, ${showShape(a.shape)} and ${showShape(b.shape)} (depth, height, width)`;
  const [depth, height, width] = a.shape;
  let furthest = 0;
  for (let corner = 0; corner < 8; corner++) {
    const [x, y, z] = [corner & 1 ? width - 1 : 0, corner & 2 ? height - 1 : 0, corner & 4 ? depth - 1 : 0];
    const apart = [0, 4, 8].map((row) => {
      const [i = 0, j = 0, k = 0, o = 0] = [0, 1, 2, 3].map((c) => (a.affine[row + c] ?? 0) - (b.affine[row + c] ?? 0));
      return i * x + j * y + k * z + o;
    });
    furthest = Math.max(furthest, Math.hypot(...apart));
  }
  const allowed = TOLERANCE * Math.min(...spacingOf(a.affine));
  if (furthest <= allowed) return undefined;
  return `affines differ: the grids are up to ${furthest.toPrecision(3)} mm apart, allowed are ${allowed.toPrecision(2)} mm`;
}

/**
 * Two volumes must lie on one grid.
 *
 * @param where - Name of the function that checks, for the message.
 * @throws DataError unless both have the same shape and affine (see {@link gridMismatch}).
 */
export function checkSameGrid(
  where: string,
  [nameA, a]: readonly [name: string, grid: Grid],
  [nameB, b]: readonly [name: string, grid: Grid],
): void {
  const mismatch = gridMismatch(a, b);
  if (mismatch === undefined) return;
  throw new DataError(
    `${where}: ${nameA} and ${nameB} must lie on one grid: ${mismatch}. Resample the labels onto the image's grid.`,
  );
}
