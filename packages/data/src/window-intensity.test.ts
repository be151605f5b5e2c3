import { scalingAffine } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { windowIntensity } from "./window-intensity.js";

describe("windowIntensity", () => {
  test("matches values worked out by hand", () => {
    // level 40, width 400: −160 → −1, 40 → 0, 140 → 2·100/400 = 0.5, 240 → 1
    const values = Float32Array.of(-1024, -160, 40, 140, 240, 3000);
    expect(windowIntensity(values)).toEqual(Float32Array.of(-1, -1, 0, 0.5, 1, 1));
    expect(windowIntensity(Int16Array.of(0, 50, 100), { level: 50, width: 100 })).toEqual(Float32Array.of(-1, 0, 1));
  });

  test("takes a volume, a constant one too", () => {
    const data = new Int16Array(8).fill(90);
    const windowed = windowIntensity({ data, shape: [2, 2, 2], affine: scalingAffine([1, 1, 1]) });
    expect(windowed).toEqual(new Float32Array(8).fill(0.25));
  });

  test("takes what is not a number for air, and infinities for the ends", () => {
    expect(windowIntensity(Float32Array.of(Number.NaN, -Infinity, Infinity))).toEqual(Float32Array.of(-1, -1, 1));
  });

  test("writes where it is told, over the image itself too", () => {
    const image = Float32Array.of(-160, 140);
    expect(windowIntensity(image, {}, image)).toBe(image);
    expect(image).toEqual(Float32Array.of(-1, 0.5));
  });

  test("refuses a window without width", () => {
    expect(() => windowIntensity(Float32Array.of(0), { width: 0 })).toThrow(
      "windowIntensity: width must be positive and level finite, got level 40, width 0.",
    );
  });
});
