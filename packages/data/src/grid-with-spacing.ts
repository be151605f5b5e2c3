import { type Affine, ConfigError, type Size3D, spacingOf } from "@plseg/core";
import type { Grid } from "./affine.js";

/**
 * The grid that covers the same field of view with another spacing, its axes in the same directions.
 *
 * A voxel is a box around its center: the field of view reaches half a voxel beyond the outermost centers. The new grid has
 * round(size · old spacing / new spacing) voxels along each axis, at least one, and lies centered in the field of view. So
 * where the division leaves a rest, it covers up to half a new voxel more or less, half of that at either end.
 *
 * @param spacing - Millimeters along depth, height, width.
 * @throws ConfigError unless each is positive.
 */
export function gridWithSpacing({ shape, affine }: Grid, spacing: Size3D): Grid {
  if (!spacing.every((mm) => mm > 0 && Number.isFinite(mm)))
    throw new ConfigError(
      `gridWithSpacing: spacing must be positive millimeters along depth, height, width, got [${spacing.join(", ")}].`,
    );
  const old = spacingOf(affine);
  const sizes = shape.map((size, axis) =>
    Math.max(1, Math.round((size * (old[axis] as number)) / (spacing[axis] as number))),
  );
  // Columns of the affine are along width, height, depth.
  const factors = [2, 1, 0].map((axis) => (spacing[axis] as number) / (old[axis] as number));
  const rows = [0, 4, 8].flatMap((row) => {
    const columns = factors.map((factor, column) => (affine[row + column] as number) * factor);
    const shifts = columns.map((mm, column) => {
      const axis = 2 - column;
      const before = ((affine[row + column] as number) * ((shape[axis] as number) - 1)) / 2;
      return before - (mm * ((sizes[axis] as number) - 1)) / 2;
    });
    return [...columns, shifts.reduce((sum, shift) => sum + shift, affine[row + 3] as number)];
  });
  return { shape: sizes as unknown as Size3D, affine: [...rows, 0, 0, 0, 1] as unknown as Affine };
}
