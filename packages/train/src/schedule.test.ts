import { describe, expect, test } from "vitest";
import { learningRateAt } from "./schedule.js";

describe("learningRateAt", () => {
  test("starts at the learning rate and ends near 0", () => {
    expect(learningRateAt("polynomial", 0.01, 1, 100)).toBe(0.01);
    expect(learningRateAt("polynomial", 0.01, 51, 100)).toBeCloseTo(0.01 * 0.5 ** 0.9, 12);
    expect(learningRateAt("polynomial", 0.01, 100, 100)).toBeCloseTo(0.01 * 0.01 ** 0.9, 12);
  });

  test("stays where it is if it is constant", () => {
    expect(learningRateAt("constant", 0.01, 100, 100)).toBe(0.01);
  });
});
