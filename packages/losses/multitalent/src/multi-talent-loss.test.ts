import "@plseg/test-kit";
import type { PartialTarget } from "@plseg/core";
import { expectClose, partialTarget, runReadmeExample } from "@plseg/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import {
  grad,
  ones,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
  tensor,
  zeros,
} from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as loss from "./index.js";
import { type MultiTalentLossOptions, multiTalentLoss } from "./index.js";

const number = (x: Tensor): number => x.dataSync()[0] ?? Number.NaN;

const lossOf = (logits: Tensor, target: PartialTarget, options: MultiTalentLossOptions = {}): Scalar =>
  multiTalentLoss(options).compute(logits as Tensor5D, target, {}).value;

const gradientOf = (logits: Tensor, target: PartialTarget, options: MultiTalentLossOptions = {}): number[] => [
  ...grad((x: Tensor) => lossOf(x, target, options))(logits).dataSync(),
];

/** Logits of two voxels with sigmoid (1/4, 3/4, 1/2) and (3/4, 1/4, 1/4). */
const a = Math.log(3);
const TWO_VOXELS = tensor([-a, a, 0, a, -a, -a], [1, 1, 1, 2, 3]);
const s = 1e-5;
/** Class 1 labeled in the first voxel. */
const organ = { bce: -Math.log(3 / 4), dice: 1 - (2 * 0.75 + s) / (1 + 1 + s) };
/** Class 2, labeled nowhere. */
const absent = { bce: -(Math.log(1 / 2) + Math.log(3 / 4)) / 2, dice: 1 - s / (0.75 + s) };
/** Class 0, labeled in the second voxel. */
const background = { bce: -Math.log(3 / 4), dice: 1 - (2 * 0.75 + s) / (1 + 1 + s) };
const total = (...parts: { bce: number; dice: number }[]): number =>
  parts.reduce((sum, { bce, dice }) => sum + bce + dice, 0);

describe("multiTalentLoss", () => {
  test("matches values worked out by hand", () => {
    const value = (annotated: number[], options?: MultiTalentLossOptions): number =>
      number(lossOf(TWO_VOXELS, partialTarget([[1, 0]], [annotated]), options));
    expect(value([1, 1, 1])).toBeCloseTo(total(organ, absent), 5);
    expect(value([1, 1, 0])).toBeCloseTo(total(organ), 5);
    expect(value([1, 0, 1])).toBeCloseTo(total(absent), 5);
    expect(value([1, 1, 1], { reduction: "mean" })).toBeCloseTo(total(organ, absent) / 2, 5);
    expect(value([1, 1, 1], { includeBackground: true })).toBeCloseTo(total(background, organ, absent), 5);
    expect(value([1, 1, 0], { includeBackground: true })).toBeCloseTo(total(organ), 5); // any voxel may be class 2
  });

  test("counts what occurs in the crop with compat reference", () => {
    const value = (annotated: number[], options: MultiTalentLossOptions = {}): number =>
      number(lossOf(TWO_VOXELS, partialTarget([[1, 0]], [annotated]), { compat: "reference", ...options }));
    expect(value([1, 1, 1])).toBeCloseTo(total(organ), 5);
    expect(value([0, 0, 0])).toBeCloseTo(total(organ), 5);
    expect(value([0, 0, 0], { includeBackground: true, reduction: "mean" })).toBeCloseTo(
      total(background, organ) / 2,
      5,
    );
  });

  test("takes the samples that count for a class jointly", () => {
    const logits = tf.concat([TWO_VOXELS, TWO_VOXELS, TWO_VOXELS]);
    const labels = [
      [1, 0],
      [0, 0],
      [1, 1],
    ];
    const target = partialTarget(labels, [
      [1, 1, 0],
      [1, 1, 0],
      [1, 0, 0],
    ]);
    const { value, terms } = multiTalentLoss().compute(logits as Tensor5D, target, {});
    const bce = (organ.bce - (Math.log(1 / 4) + Math.log(3 / 4)) / 2) / 2;
    const dice = 1 - (2 * 0.75 + s) / (1 + 2 + s);
    expect(number(value)).toBeCloseTo(bce + dice, 5);
    expectClose("crossEntropy", terms.crossEntropy?.dataSync() ?? [], [0, bce, 0], { absolute: 1e-6 });
    expectClose("dice", terms.dice?.dataSync() ?? [], [0, dice, 0], { absolute: 1e-6 });
  });

  test.each<MultiTalentLossOptions>([{}, { compat: "reference", includeBackground: true, reduction: "mean" }])(
    "has the gradient of its finite differences, %o",
    (options) => {
      const values = [0.3, -1, 2, 0.5, 0.1, -0.4, 1.5, -2, 0, 0.2, 0.9, -0.7];
      const at = (shifted: number[]): Tensor => tensor(shifted, [2, 1, 1, 2, 3]);
      const target = partialTarget(
        [
          [1, 0],
          [2, 1],
        ],
        [
          [1, 1, 0],
          [1, 1, 1],
        ],
      );
      const h = 1e-2;
      const differences = values.map((_, i) => {
        const shifted = (step: number): number =>
          number(lossOf(at(values.map((v, j) => (i === j ? v + step : v))), target, options));
        return (shifted(h) - shifted(-h)) / (2 * h);
      });
      expectClose("gradient", gradientOf(at(values), target, options), differences, { absolute: 1e-4 });
    },
  );

  test("stays finite and at least 0 for logits up to 1e4, any labels and any annotation", () => {
    const sample = fc.record({
      logits: fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 24, maxLength: 24 }),
      labels: fc.oneof(
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 8, maxLength: 8 }),
        fc.constant(Array(8).fill(0)),
      ),
      annotated: fc.oneof(
        fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 6, maxLength: 6 }),
        fc.constant(Array(6).fill(0)),
      ),
      compat: fc.constantFrom("paper" as const, "reference" as const),
      includeBackground: fc.boolean(),
    });
    fc.assert(
      fc.property(sample, ({ logits, labels, annotated, ...options }) => {
        const target = partialTarget(
          [labels.slice(0, 4), labels.slice(4)],
          [annotated.slice(0, 3), annotated.slice(3)],
        );
        const x = tensor(logits, [2, 1, 1, 4, 3]);
        const value = number(lossOf(x, target, options));
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThan(4e4);
        expect(gradientOf(x, target, options).every(Number.isFinite)).toBe(true);
      }),
    );
  });

  test.each<MultiTalentLossOptions>([{}, { compat: "reference" }, { reduction: "mean" }])(
    "is 0 without gradient if no organ counts, %o",
    (options) => {
      const target = partialTarget([[0, 0]], [[1, 0, 0]]);
      expect(number(lossOf(TWO_VOXELS, target, options))).toBe(0);
      expect(gradientOf(TWO_VOXELS, target, options).every((slope) => slope === 0)).toBe(true);
    },
  );

  test("says what is wrong with its shapes and its options", () => {
    const target = partialTarget([[0, 1]], [[1, 1, 1]]);
    expect(() => lossOf(zeros([1, 1, 1, 3, 3]), target)).toThrow(
      "multiTalentLoss: logits and target.oneHot must have the same shape, got [1, 1, 1, 3, 3] and [1, 1, 1, 2, 3].",
    );
    expect(() => lossOf(TWO_VOXELS, { ...target, annotated: ones([1, 2]) as Tensor2D })).toThrow(
      "multiTalentLoss: target.annotated must have the shape [1, 3], got [1, 2].",
    );
    expect(() => multiTalentLoss({ compat: "code" as "paper" })).toThrow(
      'multiTalentLoss: compat must be "paper" or "reference", got "code".',
    );
    expect(() => multiTalentLoss({ reduction: "none" as "sum" })).toThrow(
      'multiTalentLoss: reduction must be "sum" or "mean", got "none".',
    );
    expect(() => multiTalentLoss({ smooth: -1 })).toThrow("multiTalentLoss: smooth must be a positive number, got -1.");
  });

  test("runs the example of its README", async () => {
    const modules = { "@tensorflow/tfjs": tf, "@plseg/loss-multitalent": loss };
    const readme = new URL("../README.md", import.meta.url);
    const { value, gradient } = await runReadmeExample(readme, modules, ["value", "gradient"]);
    expect(number(value as Tensor)).toBeGreaterThan(0);
    expect((gradient as Tensor).shape).toEqual([2, 4, 8, 8, 3]);
  });
});
