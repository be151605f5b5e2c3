import "@plseg/test-kit";
import type { PartialTarget } from "@plseg/core";
import { expectClose, partialTarget, runReadmeExample } from "@plseg/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import {
  grad,
  ones,
  randomNormal,
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
import { type TargetAdaptiveLossOptions, targetAdaptiveLoss } from "./index.js";

const number = (x: Tensor): number => x.dataSync()[0] ?? Number.NaN;

const lossOf = (logits: Tensor, target: PartialTarget, options: TargetAdaptiveLossOptions = {}): Scalar =>
  targetAdaptiveLoss(options).compute(logits as Tensor5D, target, {}).value;

const gradientOf = (logits: Tensor, target: PartialTarget, options: TargetAdaptiveLossOptions = {}): number[] => [
  ...grad((x: Tensor) => lossOf(x, target, options))(logits).dataSync(),
];

/** Logits of two voxels with softmax (1/2, 1/3, 1/6) and (1/6, 1/3, 1/2). */
const TWO_VOXELS = tensor([Math.log(3), Math.log(2), 0, 0, Math.log(2), Math.log(3)], [1, 1, 1, 2, 3]);

const both = ["paper", "reference"] as const;

describe("targetAdaptiveLoss", () => {
  test.each(both)("matches values worked out by hand, compat %s", (compat) => {
    const value = (labels: number[], annotated: number[]): number =>
      number(lossOf(TWO_VOXELS, partialTarget([labels], [annotated]), { compat }));
    expect(value([0, 1], [1, 1, 1])).toBeCloseTo(-(Math.log(1 / 2) + Math.log(1 / 3)) / 2, 6);
    expect(value([0, 1], [1, 1, 0])).toBeCloseTo(-(Math.log(2 / 3) + Math.log(1 / 3)) / 2, 6); // 0 and 2 are one
    expect(value([2, 1], [1, 1, 0])).toBeCloseTo(-(Math.log(2 / 3) + Math.log(1 / 3)) / 2, 6); // a label without a say
    expect(value([0, 0], [1, 0, 1])).toBeCloseTo(-(Math.log(5 / 6) + Math.log(1 / 2)) / 2, 6); // 0 and 1 are one
  });

  test("averages over the samples with an annotated organ", () => {
    const logits = tf.concat([TWO_VOXELS, TWO_VOXELS, TWO_VOXELS]);
    const labels = [
      [0, 1],
      [0, 0],
      [2, 2],
    ];
    const target = partialTarget(labels, [
      [1, 1, 0],
      [1, 0, 0],
      [0, 0, 1],
    ]);
    const { value, terms } = targetAdaptiveLoss().compute(logits as Tensor5D, target, {});
    const [first, third] = [-(Math.log(2 / 3) + Math.log(1 / 3)) / 2, -(Math.log(1 / 6) + Math.log(1 / 2)) / 2];
    expect(number(value)).toBeCloseTo((first + third) / 2, 6);
    expectClose("perSample", terms.perSample?.dataSync() ?? [], [first, 0, third], { absolute: 1e-6 });
  });

  test.each(both)("has the gradient of its finite differences, compat %s", (compat) => {
    const values = [0.3, -1, 2, 0.5, 0.1, -0.4, 1.5, -2, 0, 0.2, 0.9, -0.7];
    const at = (shifted: number[]): Tensor => tensor(shifted, [2, 1, 1, 2, 3]);
    const target = partialTarget(
      [
        [1, 0],
        [2, 0],
      ],
      [
        [1, 1, 0],
        [1, 1, 1],
      ],
    );
    const h = 1e-2;
    const differences = values.map((_, i) => {
      const shifted = (step: number): number =>
        number(lossOf(at(values.map((v, j) => (i === j ? v + step : v))), target, { compat }));
      return (shifted(h) - shifted(-h)) / (2 * h);
    });
    expectClose("gradient", gradientOf(at(values), target, { compat }), differences, { absolute: 5e-5 });
  });

  test("teaches voxels however wrong, where the reference gives up below 1e-10", () => {
    const logits = tensor([0, 1000, 0, 0, 0, 0], [1, 1, 1, 2, 3]);
    const target = partialTarget([[2, 0]], [[1, 1, 1]]);
    expect(number(lossOf(logits, target))).toBeCloseTo((1000 + Math.log(3)) / 2, 3);
    expectClose("gradient", gradientOf(logits, target).slice(0, 3), [0, 0.5, -0.5], { absolute: 1e-6 });
    const reference = { compat: "reference" } as const;
    expect(number(lossOf(logits, target, reference))).toBeCloseTo((Math.log(1e10) + Math.log(3)) / 2, 4);
    expectClose("gradient", gradientOf(logits, target, reference).slice(0, 3), [0, 0, 0], { absolute: 0 });
  });

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
      compat: fc.constantFrom(...both),
    });
    fc.assert(
      fc.property(sample, ({ logits, labels, annotated, compat }) => {
        const target = partialTarget(
          [labels.slice(0, 4), labels.slice(4)],
          [annotated.slice(0, 3), annotated.slice(3)],
        );
        const x = tensor(logits, [2, 1, 1, 4, 3]);
        const value = number(lossOf(x, target, { compat }));
        expect(value).toBeGreaterThanOrEqual(-1e-6);
        expect(value).toBeLessThan(3e4);
        expect(gradientOf(x, target, { compat }).every((slope) => Math.abs(slope) <= 1)).toBe(true);
      }),
    );
  });

  test.each(both)("is 0 without gradient if nothing is annotated, compat %s", (compat) => {
    const target = partialTarget([[0, 0]], [[1, 0, 0]]);
    const logits = randomNormal([1, 1, 1, 2, 3], 0, 5, "float32", 1);
    expect(number(lossOf(logits, target, { compat }))).toBe(0);
    expect(gradientOf(logits, target, { compat }).every((slope) => slope === 0)).toBe(true);
  });

  test("says what is wrong with its shapes and its options", () => {
    const target = partialTarget([[0, 1]], [[1, 1, 1]]);
    expect(() => lossOf(zeros([1, 1, 1, 3, 3]), target)).toThrow(
      "targetAdaptiveLoss: logits and target.oneHot must have the same shape, got [1, 1, 1, 3, 3] and [1, 1, 1, 2, 3].",
    );
    expect(() => lossOf(TWO_VOXELS, { ...target, annotated: ones([1, 2]) as Tensor2D })).toThrow(
      "targetAdaptiveLoss: target.annotated must have the shape [1, 3], got [1, 2].",
    );
    expect(() => targetAdaptiveLoss({ compat: "code" as "paper" })).toThrow(
      'targetAdaptiveLoss: compat must be "paper" or "reference", got "code".',
    );
  });

  test("runs the example of its README", async () => {
    const modules = { "@tensorflow/tfjs": tf, "@plseg/loss-tal": loss };
    const readme = new URL("../README.md", import.meta.url);
    const { value, gradient } = await runReadmeExample(readme, modules, ["value", "gradient"]);
    expect(number(value as Tensor)).toBeGreaterThan(0);
    expect((gradient as Tensor).shape).toEqual([2, 4, 8, 8, 3]);
  });
});
