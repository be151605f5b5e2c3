import { describe, expect, test } from "vitest";
import { classColor } from "./class-color.js";

describe("classColor", () => {
  test("is black for the background", () => {
    expect(classColor(0)).toEqual([0, 0, 0]);
  });

  test("is the same at every call and different for every class", () => {
    const colors = Array.from({ length: 64 }, (_, index) => classColor(index).join());
    expect(new Set(colors).size).toBe(64);
    expect(Array.from({ length: 64 }, (_, index) => classColor(index).join())).toEqual(colors);
  });

  test("keeps any two of the first 16 classes apart, and all off gray", () => {
    const colors = Array.from({ length: 16 }, (_, i) => classColor(i + 1));
    for (const [i, a] of colors.entries()) {
      expect(Math.max(...a) - Math.min(...a)).toBeGreaterThan(60);
      for (const b of colors.slice(0, i)) expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])).toBeGreaterThan(48);
    }
  });

  test("stays within 0 and 255", () => {
    for (let index = 0; index < 200; index++)
      for (const channel of classColor(index)) {
        expect(Number.isInteger(channel)).toBe(true);
        expect(channel >= 0 && channel <= 255).toBe(true);
      }
  });

  test("refuses what is no index", () => {
    expect(() => classColor(-1)).toThrow("classColor: index must be a whole number of at least 0, got -1.");
  });
});
