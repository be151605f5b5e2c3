import { describe, expect, test } from "vitest";
import { scaleContrast } from "./scale-contrast.js";

describe("scaleContrast", () => {
  test("scales the differences to the mean", () => {
    // The mean is 0.25: 0.25 + (−0.75, −0.25, 0.25, 0.75) · 0.5.
    expect([...scaleContrast(Float32Array.from([-0.5, 0, 0.5, 1]), 0.5)]).toEqual([-0.125, 0.125, 0.375, 0.625]);
  });

  test("stays within the values that were there", () => {
    // 0.25 + (−0.75, −0.25, 0.25, 0.75) · 2 = −1.25, −0.25, 0.75, 1.75.
    expect([...scaleContrast(Float32Array.from([-0.5, 0, 0.5, 1]), 2)]).toEqual([-0.5, -0.25, 0.75, 1]);
  });
});
