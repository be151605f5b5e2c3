import "@plseg/test-kit";
import { expectClose, runReadmeExample } from "@plseg/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import {
  grad,
  randomNormal,
  type Scalar,
  softmax,
  type Tensor,
  type Tensor5D,
  tensor,
  zeros,
} from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as loss from "./index.js";
import { type PsdOptions, psd } from "./index.js";

const number = (x: Tensor): number => x.dataSync()[0] ?? Number.NaN;
const compute = (logitsPyramid: Tensor[], options: PsdOptions = {}): Scalar =>
  psd(options)(logitsPyramid as Tensor5D[]);
const draw = (shape: number[], seed: number): Tensor => randomNormal(shape, 0, 2, "float32", seed);

describe("psd", () => {
  test("matches a value worked out by hand", () => {
    const teacher = tensor([Math.log(3), 0], [1, 1, 1, 1, 2]); // 0.75, 0.25
    const student = tensor([Math.log(4), 0], [1, 1, 1, 1, 2]); // 0.8, 0.2
    const expected = -(0.75 * Math.log(0.8) + 0.25 * Math.log(0.2));
    expect(number(compute([teacher, student], { temperature: 1 }))).toBeCloseTo(expected, 6);
    expect(number(compute([tf.mul(teacher, 10), tf.mul(student, 10)]))).toBeCloseTo(expected, 5);
  });

  test("resizes the teacher with aligned corners", () => {
    const teacher = tensor([0, 1, 5, 1, 2, 1], [1, 1, 1, 3, 2]);
    const corners = tensor([0, 1, 2, 1], [1, 1, 1, 2, 2]);
    const student = draw([1, 1, 1, 2, 2], 1);
    expect(number(compute([teacher, student]))).toBeCloseTo(number(compute([corners, student])), 6);
  });

  test("is log C if nothing is known", () => {
    expect(number(compute([zeros([1, 4, 4, 4, 5]), zeros([1, 2, 2, 2, 5])]))).toBeCloseTo(Math.log(5), 6);
  });

  test("is the mean over neighboring scales", () => {
    const pyramid = [draw([2, 4, 6, 4, 3], 1), draw([2, 2, 3, 2, 3], 2), draw([2, 1, 1, 1, 3], 3)];
    const pairs = number(compute(pyramid.slice(0, 2))) + number(compute(pyramid.slice(1)));
    expect(number(compute(pyramid))).toBeCloseTo(pairs / 2, 6);
  });

  test("has the gradient (softmax(s/T) − softmax(t/T)) / (T B V) to the student", () => {
    const [teacher, student] = [draw([2, 1, 2, 2, 3], 4), draw([2, 1, 2, 2, 3], 5)]; // same grid, so t is the teacher
    const temperature = 3;
    const soft = (x: Tensor): Tensor => softmax(tf.div(x, temperature));
    const expected = tf.div(tf.sub(soft(student), soft(teacher)), temperature * 2 * 4).dataSync();
    const gradient = grad((x: Tensor) => compute([teacher, x], { temperature }))(student).dataSync();
    expectClose("gradient", gradient, expected, { ofMax: 2e-6 });
  });

  test("has the gradient of its finite differences, teachers held fixed", () => {
    const [full, quarter] = [draw([1, 3, 2, 2, 2], 6), draw([1, 1, 1, 1, 2], 8)];
    const values = [0.3, -1, 2, 0.5];
    const at = (shifted: number[]): Tensor => tensor(shifted, [1, 1, 1, 2, 2]);
    const gradient = grad((x: Tensor) => compute([full, x, quarter], { temperature: 1 }))(at(values)).dataSync();
    const h = 1e-2;
    const differences = values.map((_, i) => {
      // only the term in which the middle scale is the student
      const shifted = (step: number): number =>
        number(compute([full, at(values.map((v, j) => (i === j ? v + step : v)))], { temperature: 1 })) / 2;
      return (shifted(h) - shifted(-h)) / (2 * h);
    });
    expectClose("gradient", gradient, differences, { absolute: 1e-4 });
  });

  test("is at least the teacher's entropy, and finite, for logits up to 1e4", () => {
    const logits = fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(logits, logits, fc.constantFrom(1, 10), (first, second, temperature) => {
        const [teacher, student] = [first, second].map((x) => tensor(x, [1, 1, 2, 2, 3])) as [Tensor, Tensor];
        const value = number(compute([teacher, student], { temperature }));
        expect(value).toBeGreaterThanOrEqual(number(compute([teacher, teacher], { temperature })) - 1e-5);
        const gradient = grad((x: Tensor) => compute([teacher, x], { temperature }))(student).dataSync();
        expect(gradient.every(Number.isFinite)).toBe(true);
      }),
    );
  });

  test("says which shapes and options it needs", () => {
    expect(() => compute([zeros([1, 2, 2, 2, 3])])).toThrow("psd: logitsPyramid must have at least two scales, got 1.");
    expect(() => compute([zeros([1, 2, 2, 2, 3]), zeros([1, 2, 3])])).toThrow(
      "psd: logitsPyramid[1] must have rank 5, got rank 3 [1, 2, 3].",
    );
    expect(() => compute([zeros([1, 2, 2, 2, 3]), zeros([1, 1, 1, 1, 2])])).toThrow(
      "psd: every scale must have the batch and the classes of logitsPyramid[0] [1, 2, 2, 2, 3], got [1, 1, 1, 1, 2] at [1].",
    );
    expect(() => psd({ temperature: 0 })).toThrow("psd: temperature must be a positive number, got 0.");
  });

  test("runs the example of its README", async () => {
    const modules = { "@tensorflow/tfjs": tf, "@plseg/loss-psd": loss };
    const { value, gradient } = await runReadmeExample(new URL("../README.md", import.meta.url), modules, [
      "value",
      "gradient",
    ]);
    expect(number(value as Tensor)).toBeCloseTo(Math.log(3), 1);
    expect((gradient as Tensor).shape).toEqual([1, 4, 4, 4, 3]);
  });
});
