import { expectClose } from "@plseg/test-kit";
import { describe, expect, test } from "vitest";
import { gaussianProfile } from "./gaussian-profile.js";

describe("gaussianProfile", () => {
  test("matches values worked out by hand", () => {
    // sigma 1 along 8 voxels: offsets 0.5 (the peak), 1.5, 2.5, 3.5; exponents −(o² − 0.25) / 2
    const half = [Math.exp(-6), Math.exp(-3), Math.exp(-1), 1];
    expectClose("weights", gaussianProfile(8), [...half, ...half.toReversed()], { relative: 1e-12 });
  });

  test("is 1 at the peak, nowhere 0, and the same from both ends", () => {
    for (const n of [1, 2, 5, 160]) {
      const profile = gaussianProfile(n);
      expect(Math.max(...profile)).toBe(1);
      expect(Math.min(...profile)).toBeGreaterThan(Math.exp(-8));
      expect(profile.toReversed()).toEqual(profile);
    }
  });
});
