import { describe, expect, test } from "vitest";
import { rotate, smooth, tube } from "./shapes.js";

describe("smooth", () => {
  test("passes through the points, with their radii", () => {
    const bent = smooth(tube([2, 4, 6], [0, 0, 0], [10, 0, 0], [10, 10, 0]), 4);
    expect(bent.points).toHaveLength(9);
    expect([bent.points[0], bent.points[4], bent.points[8]]).toEqual([
      [0, 0, 0],
      [10, 0, 0],
      [10, 10, 0],
    ]);
    expect([bent.radii[0], bent.radii[2], bent.radii[4], bent.radii[8]]).toEqual([2, 3, 4, 6]);
  });
});

describe("rotate", () => {
  test("turns about x, then y, then z", () => {
    const quarter = Math.PI / 2;
    // (0, 1, 0) about x is (0, 0, 1), about y (1, 0, 0), about z (0, 1, 0).
    for (const [i, value] of rotate([0, 1, 0], [quarter, quarter, quarter]).entries())
      expect(value).toBeCloseTo([0, 1, 0][i] ?? 0, 12);
  });
});
