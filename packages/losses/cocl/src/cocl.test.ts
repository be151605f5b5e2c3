import "@plseg/test-kit";
import { expectClose, runReadmeExample } from "@plseg/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { grad, randomNormal, type Scalar, type Tensor, type Tensor5D, tensor, zeros } from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as loss from "./index.js";
import { type CoclOptions, cocl } from "./index.js";

const number = (x: Tensor): number => x.dataSync()[0] ?? Number.NaN;
const compute = (logits: Tensor, options: CoclOptions = {}): Scalar => cocl(options)(logits as Tensor5D);

/** Logits of one sample of `voxels.length` voxels. */
const logitsOf = (...voxels: number[][]): Tensor =>
  tensor(voxels.flat(), [1, 1, 1, voxels.length, voxels[0]?.length ?? 0]);

describe("cocl", () => {
  test("matches a value worked out by hand", () => {
    // p = (0.75, 0.25), (0.5, 0.5): cosine of (0.75, 0.5) and (0.25, 0.5)
    const cosine = (0.75 * 0.25 + 0.5 * 0.5) / (Math.hypot(0.75, 0.5) * Math.hypot(0.25, 0.5));
    const expected = -Math.log(Math.E / (Math.E + Math.exp(cosine)));
    expect(number(compute(logitsOf([Math.log(3), 0], [0, 0])))).toBeCloseTo(expected, 6);
  });

  test("is log(1 + (C − 1)/e) if no two maps overlap", () => {
    expect(number(compute(logitsOf([90, 0, 0], [0, 90, 0], [0, 0, 90])))).toBeCloseTo(Math.log(1 + 2 / Math.E), 6);
  });

  test("is log C if all maps are equal", () => {
    expect(number(compute(zeros([2, 2, 2, 2, 5])))).toBeCloseTo(Math.log(5), 6);
  });

  test("averages over samples", () => {
    const [first, second] = [1, 2].map((seed) => randomNormal([1, 2, 3, 2, 3], 0, 2, "float32", seed)) as [
      Tensor,
      Tensor,
    ];
    const mean = (number(compute(first)) + number(compute(second))) / 2;
    expect(number(compute(tf.concat([first, second])))).toBeCloseTo(mean, 6);
  });

  test("leaves out the background when asked", () => {
    // the organs share no voxel, the background overlaps with both
    const logits = logitsOf([0, 0, -90], [0, -90, 0]);
    expect(number(compute(logits, { includeBackground: false }))).toBeCloseTo(Math.log(1 + 1 / Math.E), 6);
    expect(number(compute(logits))).toBeGreaterThan(Math.log(1 + 2 / Math.E));
  });

  test.each([true, false])("has the gradient of its finite differences (includeBackground %s)", (includeBackground) => {
    const values = [0.3, -1, 2, 0.5, 0.1, -0.4, 1.5, -2, 0, 0.2, 0.9, -0.7];
    const at = (shifted: number[]): Tensor => tensor(shifted, [2, 1, 1, 2, 3]);
    const value = (x: Tensor): Scalar => compute(x, { includeBackground });
    const h = 1e-2;
    const differences = values.map((_, i) => {
      const shifted = (step: number): number => number(value(at(values.map((v, j) => (i === j ? v + step : v)))));
      return (shifted(h) - shifted(-h)) / (2 * h);
    });
    expectClose("gradient", grad(value)(at(values)).dataSync(), differences, { absolute: 1e-4 });
  });

  test("stays within its bounds, and its gradient finite, for logits up to 1e4", () => {
    const logits = fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 24, maxLength: 24 });
    fc.assert(
      fc.property(logits, (values) => {
        const x = tensor(values, [2, 1, 2, 2, 3]);
        expect(number(compute(x))).toBeGreaterThanOrEqual(Math.log(1 + 2 / Math.E) - 1e-6);
        expect(number(compute(x))).toBeLessThanOrEqual(Math.log(3) + 1e-6);
        expect(
          grad((z: Tensor) => compute(z))(x)
            .dataSync()
            .every(Number.isFinite),
        ).toBe(true);
      }),
    );
  });

  test("stays finite for a single voxel in which a class is at its floor", () => {
    const x = logitsOf([80, 0, -80]);
    expect(number(compute(x))).toBeCloseTo(Math.log(3), 5);
    expect([...grad((z: Tensor) => compute(z))(x).dataSync()].every(Number.isFinite)).toBe(true);
  });

  test("says which shape it needs", () => {
    expect(() => compute(zeros([2, 3, 3]))).toThrow("cocl: logits must have rank 5, got rank 3 [2, 3, 3].");
    expect(() => compute(zeros([1, 2, 2, 2, 1]))).toThrow(
      "cocl: logits must have at least 2 classes, got [1, 2, 2, 2, 1].",
    );
    expect(() => compute(zeros([1, 2, 2, 2, 2]), { includeBackground: false })).toThrow(
      "cocl: logits must have at least 3 classes, got [1, 2, 2, 2, 2].",
    );
  });

  test("runs the example of its README", async () => {
    const modules = { "@tensorflow/tfjs": tf, "@plseg/loss-cocl": loss };
    const { value, gradient } = await runReadmeExample(new URL("../README.md", import.meta.url), modules, [
      "value",
      "gradient",
    ]);
    expect(number(value as Tensor)).toBeGreaterThan(Math.log(1 + 2 / Math.E));
    expect((gradient as Tensor).shape).toEqual([2, 4, 8, 8, 3]);
  });
});
