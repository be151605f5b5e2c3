import { describe, expect, test } from "vitest";
import { holm } from "./holm.js";

describe("holm", () => {
  test("matches values worked out by hand", () => {
    // sorted 0.01 · 4, 0.02 · 3, 0.03 · 2 (raised to 0.06 before it), 0.5 · 1
    const adjusted = holm([0.03, null, 0.01, 0.5, 0.02]);
    for (const [i, expected] of [0.06, null, 0.04, 0.5, 0.06].entries())
      if (expected === null) expect(adjusted[i]).toBeNull();
      else expect(adjusted[i]).toBeCloseTo(expected, 14);
  });

  test("never exceeds 1 and leaves one test as it is", () => {
    expect(holm([0.4, 0.7, 0.9])).toEqual([1, 1, 1]);
    expect(holm([0.04, null])).toEqual([0.04, null]);
    expect(holm([])).toEqual([]);
  });
});
