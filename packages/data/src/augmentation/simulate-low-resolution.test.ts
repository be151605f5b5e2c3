import { describe, expect, test } from "vitest";
import { simulateLowResolution } from "./simulate-low-resolution.js";

describe("simulateLowResolution", () => {
  test("matches a value worked out by hand", () => {
    // Half of 8 voxels: 1, 3, 5, 7 stand at 0.5, 2.5, 4.5, 6.5; between them lines, beyond them the last.
    const image = Float32Array.from([0, 1, 4, 9, 16, 25, 36, 49]);
    expect([...simulateLowResolution(image, [1, 1, 8], [1, 1, 0.5])]).toEqual([1, 3, 7, 13, 21, 31, 43, 49]);
  });

  test("coarsens only the axes that were asked for", () => {
    const image = Float32Array.from({ length: 64 }, (_, i) => Math.floor(i / 16));
    expect(simulateLowResolution(image, [4, 4, 4], [1, 0.5, 0.5])).toEqual(image);
  });
});
