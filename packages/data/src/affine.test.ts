import { type Affine, DataError, scalingAffine } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { checkSameGrid, gridMismatch, invertible } from "./affine.js";

const affine = scalingAffine([2, 1, 1]);
const grid = { shape: [10, 11, 11] as const, affine };
const moved = (x: number): Affine => [1, 0, 0, x, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1];

describe("gridMismatch", () => {
  test("allows a tenth of the smallest voxel side", () => {
    expect(gridMismatch(grid, { ...grid, affine: moved(0.09) })).toBeUndefined();
    expect(gridMismatch(grid, { ...grid, affine: moved(-0.5) })).toBe(
      "affines differ: the grids are up to 0.500 mm apart, allowed are 0.10 mm",
    );
  });

  test("sees a spacing that differs so little that only the far corner tells", () => {
    const stretched: Affine = [1.02, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]; // 0.02 · 10 = 0.2 mm
    expect(gridMismatch(grid, { ...grid, affine: stretched })).toMatch(/0\.200 mm apart/);
  });
});

describe("checkSameGrid", () => {
  test("says which shapes disagree", () => {
    const other = { ...grid, shape: [10, 11, 12] as const };
    expect(() => checkSameGrid("loadCase", ["a.nii", grid], ["b.nii", other])).toThrow(
      new DataError(
        "loadCase: a.nii and b.nii must lie on one grid: shapes differ, [10, 11, 11] and [10, 11, 12] (depth, height, width). Resample the labels onto the image's grid.",
      ),
    );
  });
});

describe("invertible", () => {
  test("is not an affine with a zero, parallel or infinite axis", () => {
    expect(invertible(affine)).toBe(true);
    expect(invertible([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])).toBe(false);
    expect(invertible([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])).toBe(false);
    expect(invertible([Infinity, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])).toBe(false);
  });
});
