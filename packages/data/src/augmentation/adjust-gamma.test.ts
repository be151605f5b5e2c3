import { describe, expect, test } from "vitest";
import { adjustGamma } from "./adjust-gamma.js";
import { intensityRange } from "./intensity-range.js";

const image = Float32Array.from({ length: 101 }, (_, i) => i / 50 - 1);
const steps = (values: Float32Array) => [(values[10] ?? 0) - (values[0] ?? 0), (values[100] ?? 0) - (values[90] ?? 0)];

describe("adjustGamma", () => {
  test.each([
    [0.7, false, "dark"],
    [1.5, false, "bright"],
    [0.7, true, "bright"],
    [1.5, true, "dark"],
  ])(
    "with exponent %d, inverted %s, stretches the %s values and keeps mean and deviation",
    (exponent, inverted, end) => {
      const adjusted = adjustGamma(image, exponent, inverted);
      const [dark = 0, bright = 0] = steps(adjusted);
      expect(dark > bright).toBe(end === "dark");
      const [before, after] = [intensityRange(image), intensityRange(adjusted)];
      expect(after.mean).toBeCloseTo(before.mean, 5);
      expect(after.deviation).toBeCloseTo(before.deviation, 5);
      for (let i = 1; i < image.length; i++) expect(adjusted[i]).toBeGreaterThan(adjusted[i - 1] ?? 0);
    },
  );

  test("leaves a constant image as it is", () => {
    expect([...adjustGamma(new Float32Array(3).fill(0.5), 2, false)]).toEqual([0.5, 0.5, 0.5]);
  });
});
