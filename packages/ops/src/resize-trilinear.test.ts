import "@plseg/test-kit";
import { grad, mul, randomUniform, sum, type Tensor5D, tensor, tensor5d } from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resizeTrilinear } from "./resize-trilinear.js";

const size = fc.integer({ min: 1, max: 5 });
const sizes = fc.tuple(size, size, size);

describe("resizeTrilinear", () => {
  test("matches values worked out by hand", () => {
    const x = tensor5d([0, 3], [1, 1, 1, 2, 1]);
    expect([...resizeTrilinear(x, [1, 1, 4]).dataSync()]).toEqual([0, 1, 2, 3].map(Math.fround));
    // without aligned corners the sources are -¼ → 0, ¼, ¾ and 1¼ → 1
    expect([...resizeTrilinear(x, [1, 1, 4], { alignCorners: false }).dataSync()]).toEqual([0, 0.75, 2.25, 3]);
    expect([...resizeTrilinear(x, [1, 1, 1]).dataSync()]).toEqual([0]);
    expect([...resizeTrilinear(x, [2, 1, 2]).dataSync()]).toEqual([0, 3, 0, 3]);
  });

  test("keeps channels and samples apart", () => {
    const x = tensor5d([0, 10, 2, 30, 5, 6, 7, 8], [2, 1, 1, 2, 2]);
    expect([...resizeTrilinear(x, [1, 1, 3]).dataSync()]).toEqual([0, 10, 1, 20, 2, 30, 5, 6, 6, 7, 7, 8]);
  });

  test("reproduces a function that is linear along each axis", () => {
    fc.assert(
      fc.property(sizes, sizes, (from, to) => {
        const at = (i: number, n: number): number => (n === 1 ? 0 : i / (n - 1));
        const field = ([d, h, w]: readonly [number, number, number]): number[] => {
          const values: number[] = [];
          for (let z = 0; z < d; z++)
            for (let y = 0; y < h; y++)
              for (let x = 0; x < w; x++) values.push(1 + at(z, d) - 2 * at(y, h) + 4 * at(x, w) * at(z, d));
          return values;
        };
        // an axis of one voxel says nothing of a slope
        fc.pre(from.every((n, axis) => n > 1 || to[axis] === 1));
        const resized = resizeTrilinear(tensor5d(field(from), [1, ...from, 1]), to).dataSync();
        for (const [i, expected] of field(to).entries()) expect(resized[i]).toBeCloseTo(expected, 5);
      }),
    );
  });

  test("has the transpose for its gradient", () => {
    fc.assert(
      fc.property(sizes, sizes, fc.boolean(), (from, to, alignCorners) => {
        const x = randomUniform([1, ...from, 2], -1, 1, "float32", 1) as Tensor5D;
        const y = randomUniform([1, ...to, 2], -1, 1, "float32", 2) as Tensor5D;
        const dot = (x: Tensor5D): ReturnType<typeof sum> => sum(mul(resizeTrilinear(x, to, { alignCorners }), y));
        // ⟨M x, y⟩ = ⟨x, Mᵀ y⟩
        const transposed = grad((x) => dot(x as Tensor5D))(x);
        expect(sum(mul(x, transposed)).dataSync()[0]).toBeCloseTo(dot(x).dataSync()[0] ?? Number.NaN, 4);
      }),
    );
  });

  test("returns its input when no axis changes", () => {
    const x = tensor5d([1, 2], [1, 1, 1, 2, 1]);
    expect(resizeTrilinear(x, [1, 1, 2])).toBe(x);
  });

  test("says what it cannot resize", () => {
    const x = tensor5d([1, 2], [1, 1, 1, 2, 1]);
    expect(() => resizeTrilinear(x, [1, 0, 2])).toThrow(
      "resizeTrilinear: size must be three whole numbers of at least 1, got [1, 0, 2].",
    );
    expect(() => resizeTrilinear(tensor([1, 2]) as Tensor5D, [1, 1, 1])).toThrow(
      "resizeTrilinear: x must have rank 5, got rank 1 [2].",
    );
  });
});
