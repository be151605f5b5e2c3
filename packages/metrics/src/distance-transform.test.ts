import type { Size3D } from "@plseg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { squaredDistances } from "./distance-transform.js";

/** The definition: every voxel against every seed. */
function bruteForce(seeds: Uint8Array, [depth, height, width]: Size3D, spacing: Size3D): number[] {
  const voxels = Array.from(seeds, (_, v) => [
    Math.floor(v / (height * width)),
    Math.floor(v / width) % height,
    v % width,
  ]);
  expect(voxels).toHaveLength(depth * height * width);
  return voxels.map((p) =>
    Math.min(
      ...voxels
        .filter((_, v) => seeds[v])
        .map((q) =>
          spacing.reduce((sum, mm, axis) => sum + (mm * ((p[axis] as number) - (q[axis] as number))) ** 2, 0),
        ),
    ),
  );
}

describe("squaredDistances", () => {
  test("matches values worked out by hand", () => {
    // one seed in the middle of the top row, 2 mm between rows and 3 mm between columns
    const distances = squaredDistances(
      Uint8Array.of(0, 1, 0, 0, 0, 0),
      new Uint8Array(6).fill(1),
      [1, 2, 3],
      [1, 2, 3],
    );
    expect([...distances]).toEqual([9, 0, 9, 9 + 4, 4, 9 + 4]);
  });

  test("is infinite everywhere without a seed", () => {
    expect([
      ...squaredDistances(new Uint8Array(8), Uint8Array.of(1, 0, 0, 1, 0, 0, 0, 1), [2, 2, 2], [1, 1, 1]),
    ]).toEqual(new Array(3).fill(Number.POSITIVE_INFINITY));
  });

  test("agrees with the distances of the chosen voxels to every seed", () => {
    const side = fc.integer({ min: 1, max: 7 });
    const mm = fc.double({ min: 0.1, max: 10, noNaN: true });
    const inputs = fc.tuple(side, side, side).chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.tuple(mm, mm, mm),
        fc.uint8Array({
          minLength: shape[0] * shape[1] * shape[2],
          maxLength: shape[0] * shape[1] * shape[2],
          max: 4,
        }),
      ),
    );
    fc.assert(
      fc.property(inputs, ([shape, spacing, noise]) => {
        const seeds = noise.map((value) => (value === 4 ? 1 : 0));
        const chosen = noise.map((value) => (value % 3 === 1 ? 1 : 0)); // of each kind: seeds and others
        const expected = bruteForce(seeds, shape, spacing).filter((_, v) => chosen[v]);
        const distances = squaredDistances(seeds, chosen, shape, spacing);
        expect(distances).toHaveLength(expected.length);
        for (const [v, distance] of distances.entries())
          if (distance !== expected[v]) expect(distance / (expected[v] as number)).toBeCloseTo(1, 12);
      }),
    );
  });
});
