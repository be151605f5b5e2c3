import { type Affine, spacingOf } from "@plseg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Grid } from "./affine.js";
import { gridWithSpacing } from "./grid-with-spacing.js";

const grid: Grid = { shape: [10, 20, 40], affine: [-1, 0, 0, 5, 0, 2, 0, -7, 0, 0, 3, 11, 0, 0, 0, 1] };

/** Millimeters of a voxel index. */
const place = ({ affine }: Grid, x: number, y: number, z: number): number[] =>
  [0, 4, 8].map((row) => {
    const [a = 0, b = 0, c = 0, o = 0] = affine.slice(row, row + 4);
    return a * x + b * y + c * z + o;
  });

describe("gridWithSpacing", () => {
  test("doubles the voxels where it halves the spacing, with the same outer edges", () => {
    const finer = gridWithSpacing(grid, [1.5, 1, 0.5]);
    expect(finer.shape).toEqual([20, 40, 80]);
    // Edges lie half a voxel beyond the centers: voxel −0.5 of both grids is one place.
    expect(place(finer, -0.5, -0.5, -0.5)).toEqual(place(grid, -0.5, -0.5, -0.5));
    expect(place(finer, 79.5, 39.5, 19.5)).toEqual(place(grid, 39.5, 19.5, 9.5));
  });

  test("is the same grid at the same spacing", () => {
    expect(gridWithSpacing(grid, spacingOf(grid.affine))).toEqual(grid);
  });

  test("keeps center, directions and the spacing asked for, whatever is left over", () => {
    const oblique: Affine = [0.6, -0.8, 0, 1, 0.8, 0.6, 0, 2, 0, 0, 2.5, 3, 0, 0, 0, 1];
    const millimeters = fc.double({ min: 0.3, max: 90, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(millimeters, millimeters, millimeters), (spacing) => {
        const given: Grid = { shape: [7, 9, 11], affine: oblique };
        const { shape, affine } = gridWithSpacing(given, spacing);
        const middle = place({ shape, affine }, (shape[2] - 1) / 2, (shape[1] - 1) / 2, (shape[0] - 1) / 2);
        for (const [i, mm] of place(given, 5, 4, 3).entries()) expect(middle[i]).toBeCloseTo(mm, 9);
        for (const [i, mm] of spacingOf(affine).entries()) expect(mm).toBeCloseTo(spacing[i] as number, 9);
        const sides = [7 * 2.5, 9, 11];
        for (const [i, size] of shape.entries())
          expect(size).toBe(Math.max(1, Math.round((sides[i] as number) / (spacing[i] as number))));
      }),
    );
  });

  test("says which spacing is none", () => {
    expect(() => gridWithSpacing(grid, [3, 0, 1])).toThrow(
      "gridWithSpacing: spacing must be positive millimeters along depth, height, width, got [3, 0, 1].",
    );
  });
});
