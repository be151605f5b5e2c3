import type { Affine, Volume } from "@plseg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalGrid, toCanonical } from "./canonical.js";

/** Millimeters of a voxel. */
function place({ affine }: { affine: Affine }, x: number, y: number, z: number): number[] {
  return [0, 4, 8].map(
    (row) => (affine[row] ?? 0) * x + (affine[row + 1] ?? 0) * y + (affine[row + 2] ?? 0) * z + (affine[row + 3] ?? 0),
  );
}

/** Each value of a volume by where it lies. */
function valuesByPlace(volume: Volume<Int16Array>): Map<string, number> {
  const [depth, height, width] = volume.shape;
  const found = new Map<string, number>();
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const key = place(volume, x, y, z).map((mm) => (Math.round(mm * 1000) / 1000 + 0).toFixed(3));
        found.set(key.join(), volume.data[(z * height + y) * width + x] as number);
      }
  return found;
}

const DIRECTIONS: [name: string, affine: Affine][] = [
  ["RAS", [2, 0, 0, -5, 0, 3, 0, 7, 0, 0, 4, 1, 0, 0, 0, 1]],
  ["LPS", [-2, 0, 0, 5, 0, -3, 0, 7, 0, 0, 4, 1, 0, 0, 0, 1]],
  ["LAS", [-2, 0, 0, 5, 0, 3, 0, 7, 0, 0, 4, 1, 0, 0, 0, 1]],
  ["PIR", [0, 0, 2, 5, -3, 0, 0, 7, 0, -4, 0, 1, 0, 0, 0, 1]],
  ["ASL, oblique", [0.1, 0.2, -2, 5, 3, 0.3, 0.1, 7, 0.2, 4, 0.2, 1, 0, 0, 0, 1]],
];

const numbered = (affine: Affine): Volume<Int16Array> => ({
  data: Int16Array.from({ length: 24 }, (_, i) => i),
  shape: [2, 3, 4],
  affine,
});

describe("toCanonical", () => {
  test.each(DIRECTIONS)("%s: every voxel keeps its place in the patient", (_, affine) => {
    const given = numbered(affine);
    const { volume } = toCanonical(given);
    expect(valuesByPlace(volume)).toEqual(valuesByPlace(given));
    for (const [row, column] of [
      [0, 0],
      [4, 1],
      [8, 2],
    ] as const)
      expect(volume.affine[row + column]).toBeGreaterThan(0);
    expect(canonicalGrid(given)).toEqual({ shape: volume.shape, affine: volume.affine });
  });

  test.each(DIRECTIONS)("%s: restore undoes it", (_, affine) => {
    const given = numbered(affine);
    const { volume, restore } = toCanonical(given);
    expect(restore(volume)).toEqual(given);
  });

  test("any order and direction of the axes comes back", () => {
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ] as const;
    const sign = fc.constantFrom(-1, 1);
    fc.assert(
      fc.property(fc.constantFrom(...orders), fc.tuple(sign, sign, sign), (order, signs) => {
        const rows = order.map((axis, row) => [0, 1, 2].map((a) => (a === axis ? (signs[row] ?? 1) * (row + 1) : 0)));
        const affine = [...rows.flatMap((row, i) => [...row, 10 * i]), 0, 0, 0, 1] as unknown as Affine;
        const { volume, restore } = toCanonical(numbered(affine));
        expect(restore(volume)).toEqual(numbered(affine));
        expect(valuesByPlace(volume)).toEqual(valuesByPlace(numbered(affine)));
      }),
    );
  });

  test("a volume that is canonical already is not copied", () => {
    const given = numbered(DIRECTIONS[0]?.[1] as Affine);
    expect(toCanonical(given).volume).toBe(given);
  });
});
