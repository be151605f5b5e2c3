import { describe, expect, test } from "vitest";
import { dice } from "./dice.js";

describe("dice", () => {
  test("matches a value worked out by hand", () => {
    // |s| = 3, |g| = 2, |s ∧ g| = 2
    expect(dice([1, 1, 1, 0], [0, 1, 1, 0])).toBeCloseTo((2 * 2) / (3 + 2), 5);
    expect(dice([1, 1, 1, 0], [0, 1, 1, 0])).toBe((2 * 2 + 1e-5) / (3 + 2 + 1e-5));
  });

  test("is 1 for equal masks, whatever number stands for inside", () => {
    expect(dice(Uint8Array.of(0, 7, 1), Uint16Array.of(0, 1, 300))).toBe(1);
  });

  test("is practically 0 if one mask is empty, and has no value if both are", () => {
    expect(dice([0, 0, 0], [1, 1, 0])).toBeLessThan(1e-5);
    expect(dice([1, 1, 0], [0, 0, 0])).toBeLessThan(1e-5);
    expect(dice([0, 0, 0], [0, 0, 0])).toBeNull();
  });

  test("says which sizes disagree", () => {
    expect(() => dice([1], [1, 0])).toThrow(
      "dice: prediction and reference must have the same number of voxels, got 1 and 2.",
    );
    expect(() => dice([1, 0], [1, 0], [1, 2, 3])).toThrow("dice: masks of shape [1, 2, 3] must have 6 voxels, got 2.");
  });
});
