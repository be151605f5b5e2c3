import { describe, expect, test } from "vitest";
import { iou } from "./iou.js";

describe("iou", () => {
  test("matches a value worked out by hand", () => {
    // |s ∧ g| = 1, |s ∨ g| = 4
    expect(iou([1, 1, 1, 0, 0], [0, 0, 1, 1, 0])).toBe((1 + 1e-5) / (4 + 1e-5));
  });

  test("is practically 0 if one mask is empty, and has no value if both are", () => {
    expect(iou([0, 0], [1, 1])).toBeLessThan(1e-5);
    expect(iou([0, 0], [0, 0])).toBeNull();
  });
});
