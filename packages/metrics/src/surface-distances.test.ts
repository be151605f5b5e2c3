import { Random, type Size3D } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { assd } from "./assd.js";
import { hausdorff95 } from "./hausdorff95.js";
import { normalizedSurfaceDice } from "./normalized-surface-dice.js";
import { surfaceDistances, surfaceVoxels } from "./surface-distances.js";

const SPACINGS: Size3D[] = [
  [1, 1, 1],
  [3, 0.976, 0.976],
  [0.9, 5, 1.7],
];

/** A filled box with one-voxel noise around it. */
function noisyBox(shape: Size3D, seed: number): Uint8Array {
  const random = new Random(seed);
  const [low, high] = [shape.map((n) => random.integer(n >> 1)), shape.map((n) => (n >> 1) + random.integer(n >> 1))];
  return Uint8Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, v) => {
    const place = [Math.floor(v / (shape[1] * shape[2])), Math.floor(v / shape[2]) % shape[1], v % shape[2]];
    const inside = place.every((p, axis) => p >= (low[axis] as number) && p <= (high[axis] as number));
    return inside !== random.uniform() < 0.03 ? 1 : 0;
  });
}

/** Edge voxels and their mutual distances, straight from the definitions. */
function bruteForce(
  prediction: Uint8Array,
  reference: Uint8Array,
  shape: Size3D,
  spacing: Size3D,
): [number[], number[]] {
  const edge = (mask: Uint8Array): number[][] => {
    const at = (z: number, y: number, x: number): boolean =>
      [z, y, x].every((p, axis) => p >= 0 && p < (shape[axis] as number)) &&
      mask[(z * shape[1] + y) * shape[2] + x] === 1;
    const voxels: number[][] = [];
    for (let z = 0; z < shape[0]; z++)
      for (let y = 0; y < shape[1]; y++)
        for (let x = 0; x < shape[2]; x++) {
          const neighbors = [
            at(z - 1, y, x),
            at(z + 1, y, x),
            at(z, y - 1, x),
            at(z, y + 1, x),
            at(z, y, x - 1),
            at(z, y, x + 1),
          ];
          if (at(z, y, x) && neighbors.includes(false)) voxels.push([z, y, x]);
        }
    return voxels;
  };
  const nearest = (p: number[], others: number[][]): number =>
    Math.min(
      ...others.map((q) => Math.hypot(...spacing.map((mm, axis) => mm * ((p[axis] as number) - (q[axis] as number))))),
    );
  const [s, g] = [edge(prediction), edge(reference)];
  return [s.map((p) => nearest(p, g)), g.map((p) => nearest(p, s))];
}

describe("surfaceVoxels", () => {
  test("leaves out the voxels inside, and counts what lies beyond the volume as outside", () => {
    const cube = new Uint8Array(27).fill(1);
    expect(surfaceVoxels(cube, [3, 3, 3]).reduce((sum, v) => sum + v, 0)).toBe(26);
    expect(surfaceVoxels(cube, [3, 3, 3])[13]).toBe(0);
    expect(surfaceVoxels(cube, [1, 3, 9])).toEqual(cube);
  });
});

describe("surfaceDistances", () => {
  test.each(SPACINGS)("agrees with the distances of every pair of edge voxels at spacing %d, %d, %d", (...spacing) => {
    for (let seed = 1; seed <= 6; seed++) {
      const shape: Size3D = [6, 9, 7];
      const [prediction, reference] = [noisyBox(shape, seed), noisyBox(shape, seed + 100)];
      const distances = surfaceDistances("test", prediction, reference, shape, spacing);
      const [toReference, toPrediction] = bruteForce(prediction, reference, shape, spacing);
      expect(distances?.toReference).toHaveLength(toReference.length);
      for (const [i, distance] of toReference.entries()) expect(distances?.toReference[i]).toBeCloseTo(distance, 12);
      for (const [i, distance] of toPrediction.entries()) expect(distances?.toPrediction[i]).toBeCloseTo(distance, 12);
    }
  });
});

/** One row of voxels, 2 mm apart. */
const ROW: [Size3D, Size3D] = [
  [1, 1, 6],
  [5, 5, 2],
];
// s = {0, 1}, g = {1, 4}: s to g 2, 0 mm; g to s 0, 6 mm
const PREDICTION = [1, 1, 0, 0, 0, 0];
const REFERENCE = [0, 1, 0, 0, 1, 0];
const EMPTY = [0, 0, 0, 0, 0, 0];

describe("assd", () => {
  test("matches a value worked out by hand: pooled, not the mean of two means", () => {
    expect(assd(PREDICTION, REFERENCE, ...ROW)).toBe((2 + 0 + 0 + 6) / 4);
    // s = {0}, g = {1, 4}: s to g 2; g to s 2, 8
    expect(assd([1, 0, 0, 0, 0, 0], REFERENCE, ...ROW)).toBe((2 + 2 + 8) / 3);
  });

  test("has no value if a mask is empty", () => {
    expect(assd(EMPTY, REFERENCE, ...ROW)).toBeNull();
    expect(assd(PREDICTION, EMPTY, ...ROW)).toBeNull();
    expect(assd(EMPTY, EMPTY, ...ROW)).toBeNull();
  });

  test("says which spacing is impossible", () => {
    expect(() => assd(PREDICTION, REFERENCE, [1, 1, 6], [1, 0, 1])).toThrow(
      "assd: spacing must be positive millimeters, got [1, 0, 1].",
    );
  });
});

describe("hausdorff95", () => {
  test("matches a value worked out by hand: both directions pooled, interpolated between ranks", () => {
    // sorted 0, 0, 2, 6; rank 0.95 · 3 = 2.85
    expect(hausdorff95(PREDICTION, REFERENCE, ...ROW)).toBeCloseTo(2 + 0.85 * (6 - 2), 12);
  });

  test("is 0 for equal masks and has no value if a mask is empty", () => {
    expect(hausdorff95(REFERENCE, REFERENCE, ...ROW)).toBe(0);
    expect(hausdorff95(EMPTY, REFERENCE, ...ROW)).toBeNull();
    expect(hausdorff95(EMPTY, EMPTY, ...ROW)).toBeNull();
  });
});

describe("normalizedSurfaceDice", () => {
  test.each([
    [0, 2 / 4],
    [1.9, 2 / 4],
    [2, 3 / 4],
    [6, 1],
  ])("matches a value worked out by hand at a tolerance of %d mm", (tolerance, expected) => {
    expect(normalizedSurfaceDice(PREDICTION, REFERENCE, ...ROW, tolerance)).toBe(expected);
  });

  test("tolerates 3 mm by default", () => {
    expect(normalizedSurfaceDice(PREDICTION, REFERENCE, ...ROW)).toBe(3 / 4);
  });

  test("is 0 if one mask is empty, and has no value if both are", () => {
    expect(normalizedSurfaceDice(EMPTY, REFERENCE, ...ROW)).toBe(0);
    expect(normalizedSurfaceDice(PREDICTION, EMPTY, ...ROW)).toBe(0);
    expect(normalizedSurfaceDice(EMPTY, EMPTY, ...ROW)).toBeNull();
  });

  test("refuses a negative tolerance", () => {
    expect(() => normalizedSurfaceDice(PREDICTION, REFERENCE, ...ROW, -1)).toThrow(
      "normalizedSurfaceDice: tolerance must be 0 mm or more, got -1.",
    );
  });
});
