import { expectClose } from "@plseg/test-kit";
import { describe, expect, test } from "vitest";
import { gaussianImportance } from "./gaussian-importance.js";

describe("gaussianImportance", () => {
  test("matches values worked out by hand", () => {
    // sigma 1 along the width of 8: offsets 0.5 (the peak), 1.5, 2.5, 3.5; exponents −(o² − 0.25) / 2
    const half = [Math.exp(-6), Math.exp(-3), Math.exp(-1), 1];
    expectClose("weights", gaussianImportance([1, 1, 8]), [...half, ...half.toReversed()], { relative: 1e-6 });
  });

  test("is the product of its axes, 1 at the peak, and nowhere 0", () => {
    const importance = gaussianImportance([5, 160, 6]);
    const at = (z: number, y: number, x: number): number => importance[(z * 160 + y) * 6 + x] ?? Number.NaN;
    expect(at(2, 80, 3)).toBe(1);
    expect(at(0, 10, 5)).toBeCloseTo(at(0, 80, 3) * at(2, 10, 3) * at(2, 80, 5), 10);
    expect(importance.reduce((a, b) => Math.min(a, b))).toBeGreaterThan(Math.exp(-24));
  });

  test("is the same from both ends", () => {
    const importance = gaussianImportance([4, 6, 5]);
    expect(importance.toReversed()).toEqual(importance);
  });
});
