import { scalingAffine } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { measureLabels } from "./measure-labels.js";

const grid = { shape: [1, 1, 6] as const, affine: scalingAffine([10, 10, 5]) };

describe("measureLabels", () => {
  test("matches values worked out by hand", () => {
    const image = { ...grid, data: Float32Array.of(10, 20, 30, -1000, 5, 7) };
    const map = { ...grid, data: Uint8Array.of(1, 1, 1, 0, 2, 2) };
    // mean 20, variance (100 + 0 + 100) / 3; mean 6, variance (1 + 1) / 2; a voxel is 0.5 ml
    expect(measureLabels(image, map, [1, 2, 9])).toEqual([
      { voxels: 3, milliliters: 1.5, mean: 20, standardDeviation: Math.sqrt(200 / 3) },
      { voxels: 2, milliliters: 1, mean: 6, standardDeviation: 1 },
      { voxels: 0, milliliters: 0, mean: null, standardDeviation: null },
    ]);
  });

  test("loses no digits where values are large and lie close together", () => {
    const shape = [1, 1, 100_000] as const;
    const data = Float64Array.from({ length: 100_000 }, (_, i) => 1e9 + (i % 2));
    const map = { data: new Uint8Array(100_000).fill(1), shape, affine: grid.affine };
    const [measure] = measureLabels({ data, shape, affine: grid.affine }, map, [1]);
    expect(measure?.mean).toBeCloseTo(1e9 + 0.5, 6);
    expect(measure?.standardDeviation).toBeCloseTo(0.5, 6);
  });

  test("says that the grids differ", () => {
    const image = { ...grid, data: new Float32Array(6) };
    const map = { ...grid, affine: scalingAffine([10, 10, 6]), data: new Uint8Array(6) };
    expect(() => measureLabels(image, map, [1])).toThrow("measureLabels: image and map must lie on one grid");
  });
});
