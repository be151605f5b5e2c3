import "@plseg/test-kit";
import { grad, ones, scalar, sum, type Tensor5D } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { dropout, SEED_LIMIT } from "./dropout.js";

/** 1 where a value is kept, else 0. */
const kept = (shape: [number, number, number, number, number], seed: number, rate = 0.5): Float32Array =>
  dropout(ones(shape) as Tensor5D, rate, scalar(seed))
    .dataSync()
    .map((value) => (value > 0 ? 1 : 0)) as Float32Array;

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;

/** Correlation of two masks of rate ½. */
const correlation = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  4 * mean(Array.from(a, (value, i) => (value - 0.5) * ((b[i] as number) - 0.5)));

describe("dropout", () => {
  test.each([0.1, 0.2, 0.5])("drops a share of $0", (rate) => {
    const shares = [1, 2, 3, 4, 5].map((seed) => mean(kept([2, 8, 8, 8, 16], seed, rate)));
    // 5 · 16384 values: three standard deviations are at most 0.0053
    expect(Math.abs(mean(shares) - (1 - rate))).toBeLessThan(0.0053);
  });

  test("scales what it keeps, in the value and in the gradient", () => {
    const x = ones([1, 2, 2, 2, 4]) as Tensor5D;
    const y = dropout(x, 0.2, scalar(7)).dataSync();
    expect(new Set(y)).toEqual(new Set([0, 1.25]));
    expect(grad((x) => sum(dropout(x as Tensor5D, 0.2, scalar(7))))(x).dataSync()).toEqual(y);
  });

  test("gives the same mask for the same seed, and unrelated ones for others", () => {
    const shape: [number, number, number, number, number] = [1, 8, 16, 16, 8];
    expect(kept(shape, 5)).toEqual(kept(shape, 5));
    for (const [a, b] of [
      [0, 1],
      [1, 2],
      [5, 5 + 2039],
      [100, 4093],
      [SEED_LIMIT - 1, SEED_LIMIT - 2],
    ] as const)
      expect(Math.abs(correlation(kept(shape, a), kept(shape, b)))).toBeLessThan(0.04);
  });

  test("shows no pattern along any axis", () => {
    const [n, d, h, w, c] = [2, 8, 12, 16, 16];
    const strides = [d * h * w * c, h * w * c, w * c, c, 1];
    const sizes = [n, d, h, w, c];
    // means over many masks: a pattern that seeds share would stay
    for (const [axis, stride] of strides.entries())
      for (const distance of [1, 2]) {
        if (distance >= (sizes[axis] as number)) continue;
        const values = [11, 12, 13, 14].map((seed) => {
          const mask = kept([n, d, h, w, c], seed);
          const pairs = Array.from(mask.keys()).filter(
            (i) => Math.floor(i / stride) % (sizes[axis] as number) >= distance,
          );
          return correlation(
            pairs.map((i) => mask[i] as number),
            pairs.map((i) => mask[i - distance * stride] as number),
          );
        });
        expect(Math.abs(mean(values)), `axis ${axis}, distance ${distance}`).toBeLessThan(0.02);
      }
  });

  test("drops every place now and then", () => {
    const counts = new Float32Array(4 * 4 * 4 * 8);
    for (let seed = 0; seed < 100; seed++)
      for (const [i, value] of kept([1, 4, 4, 4, 8], seed * 37).entries()) counts[i] = (counts[i] as number) + value;
    // binomial(100, ½): 5 standard deviations are 25
    expect(Math.min(...counts)).toBeGreaterThan(25);
    expect(Math.max(...counts)).toBeLessThan(75);
  });

  test("returns its input when nothing is dropped, and refuses a rate of 1", () => {
    const x = ones([1, 1, 1, 1, 1]) as Tensor5D;
    expect(dropout(x, 0, scalar(1))).toBe(x);
    expect(() => dropout(x, 1, scalar(1))).toThrow("dropout: rate must lie in [0, 1), got 1.");
  });
});
