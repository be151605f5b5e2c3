import { describe, expect, test } from "vitest";
import { blur } from "./blur.js";

describe("blur", () => {
  test("agrees with SciPy 1.10", () => {
    // gaussian_filter(arange(120).reshape(4, 5, 6) ** 2 % 7 / 7, 0.8, mode="nearest", truncate=3)
    const image = Float32Array.from({ length: 120 }, (_, i) => (i ** 2 % 7) / 7);
    const blurred = blur(image, [4, 5, 6], 0.8);
    const at = (d: number, h: number, w: number) => blurred[(d * 5 + h) * 6 + w];
    expect([at(0, 0, 0), at(1, 2, 3), at(3, 4, 5), at(2, 0, 5)].map((v) => v?.toFixed(5))).toEqual([
      "0.15784",
      "0.31622",
      "0.15784",
      "0.29560",
    ]);
  });

  test("leaves a constant image as it is", () => {
    for (const value of blur(new Float32Array(60).fill(0.25), [3, 4, 5], 1)) expect(value).toBeCloseTo(0.25, 6);
  });
});
