import "@plseg/test-kit";
import { range, reshape, type Tensor5D, tensor5d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { nearestIndices, resizeNearest } from "./resize-nearest.js";

describe("resizeNearest", () => {
  test("keeps every second voxel when it halves", () => {
    const x = reshape(range(0, 16, 1, "int32"), [1, 2, 2, 4, 1]) as Tensor5D;
    const y = resizeNearest(x, [1, 1, 2]);
    expect(y.shape).toEqual([1, 1, 1, 2, 1]);
    expect(y.dtype).toBe("int32");
    expect([...y.dataSync()]).toEqual([0, 2]);
  });

  test("repeats voxels when it grows, and mixes both", () => {
    const x = tensor5d([1, 10, 2, 20, 3, 30], [1, 1, 1, 3, 2]);
    expect([...resizeNearest(x, [1, 1, 5]).dataSync()]).toEqual([1, 10, 1, 10, 2, 20, 2, 20, 3, 30]);
    expect([...resizeNearest(x, [2, 1, 1]).dataSync()]).toEqual([1, 10, 1, 10]);
  });

  test("stays on the axis, and takes whole steps when it shrinks by a whole factor", () => {
    for (let from = 1; from <= 40; from++)
      for (let to = 1; to <= 40; to++) {
        const indices = nearestIndices(from, to);
        expect(indices[0]).toBe(0);
        expect(Math.max(...indices)).toBeLessThan(from);
        if (from % to === 0) expect(indices).toEqual(Array.from({ length: to }, (_, i) => (i * from) / to));
      }
  });

  test("says what it cannot resize", () => {
    const x = tensor5d([1, 2], [1, 1, 1, 2, 1]);
    expect(() => resizeNearest(x, [1, 1, 1.5])).toThrow(
      "resizeNearest: size must be three whole numbers of at least 1, got [1, 1, 1.5].",
    );
  });
});
