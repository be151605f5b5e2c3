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
import { type LeafDiceOptions, leafDice } from "./index.js";

const number = (x: Tensor): number => x.dataSync()[0] ?? Number.NaN;

const lossOf = (logits: Tensor, target: PartialTarget, options: LeafDiceOptions = {}): Scalar =>
  leafDice(options).compute(logits as Tensor5D, target, {}).value;

const gradientOf = (logits: Tensor, target: PartialTarget, options: LeafDiceOptions = {}): number[] => [
  ...grad((x: Tensor) => lossOf(x, target, options))(logits).dataSync(),
];

/** Logits of the two voxels with softmax (1/2, 1/4, 1/4) and (1/4, 1/2, 1/4). */
const TWO_VOXELS = tensor([Math.log(2), 0, 0, 0, Math.log(2), 0], [1, 1, 1, 2, 3]);
const s = 1e-5;

describe("leafDice", () => {
  test("matches values worked out by hand", () => {
    const everything = partialTarget([[0, 1]], [[1, 1, 1]]);
    // class 0: Σpg = 1/2, Σp² = 1/4 + 1/16, Σg = 1; class 1 the same; class 2: Σpg = 0, Σp² = 1/8, Σg = 0
    const [present, absent] = [1 - (2 * 0.5 + s) / (1.3125 + s), 1 - s / (0.125 + s)];
    expect(number(lossOf(TWO_VOXELS, everything))).toBeCloseTo((2 * present + absent) / 3, 6);
    // plain: Σp = 3/4 and 3/4 and 1/2
    const [plainPresent, plainAbsent] = [1 - (1 + s) / (1.75 + s), 1 - s / (0.5 + s)];
    const plain = number(lossOf(TWO_VOXELS, everything, { squared: false }));
    expect(plain).toBeCloseTo((2 * plainPresent + plainAbsent) / 3, 6);
  });

  test("counts only annotated organs where some are not annotated, for the background may be any of these", () => {
    const target = partialTarget([[0, 1]], [[1, 1, 0]]);
    const { value, terms } = leafDice().compute(TWO_VOXELS as Tensor5D, target, {});
    const organ = 1 - (1 + s) / (1.3125 + s);
    expect(number(value)).toBeCloseTo(organ, 6);
    expectClose("perClass", terms.perClass?.dataSync() ?? [], [0, organ, 0], { absolute: 1e-6 });
    expectClose("perSample", terms.perSample?.dataSync() ?? [], [organ], { absolute: 1e-6 });
  });

  test("does not depend on how probability is shared within a label set", () => {
    const target = partialTarget([[0, 1, 0, 0]], [[1, 1, 0]]);
    const logits = tensor([1, 2, 0, 0, 1, 3, 2, 0, 1, 1, -1, 1], [1, 1, 1, 4, 3]);
    const swapped = tensor([0, 2, 1, 3, 1, 0, 1, 0, 2, 1, -1, 1], [1, 1, 1, 4, 3]); // classes 0 and 2 change places
    expect(number(lossOf(logits, target))).toBeCloseTo(number(lossOf(swapped, target)), 6);
  });

  test("teaches that an annotated organ is absent, which the reference does not", () => {
    const target = partialTarget([[0, 0]], [[1, 1, 0]]);
    const logits = tensor([5, 0, -9, 5, -1, -9], [1, 1, 1, 2, 3]);
    const slopes = gradientOf(logits, target, { smooth: 1 });
    expect(slopes[1]).toBeGreaterThan(1e-6);
    expect(slopes[4]).toBeGreaterThan(1e-6);
    expect(number(lossOf(tensor([9, -90, -90, 9, -90, -90], [1, 1, 1, 2, 3]), target))).toBeCloseTo(0, 6);

    const unknown = partialTarget([[3, 3]], [[1, 1, 0]]);
    expect(number(lossOf(logits, unknown, { compat: "reference" }))).toBeCloseTo(1, 6);
    expect(gradientOf(logits, unknown, { compat: "reference" }).every((slope) => Math.abs(slope) < 1e-12)).toBe(true);
  });

  test("averages over all classes, without ε in the numerator, as the reference does", () => {
    const target = partialTarget([[3, 1]], [[0, 0, 0]]);
    const organ = 1 - 1 / (1.3125 + s);
    expect(number(lossOf(TWO_VOXELS, target, { compat: "reference" }))).toBeCloseTo((1 + organ + 1) / 3, 6);
  });

  test("averages or sums over samples, leaving out those that say nothing", () => {
    const labels = [
      [0, 1],
      [1, 0],
      [0, 0],
    ];
    const rows = [
      [1, 1, 0],
      [1, 1, 1],
      [1, 0, 0],
    ];
    const logits = randomNormal([3, 1, 1, 2, 3], 0, 1, "float32", 2);
    const [first, second, third] = [0, 1, 2].map((b) =>
      number(
        lossOf(tf.slice(logits, [b, 0, 0, 0, 0], [1, 1, 1, 2, 3]), partialTarget([labels[b] ?? []], [rows[b] ?? []])),
      ),
    ) as [number, number, number];
    expect(third).toBe(0);
    const target = partialTarget(labels, rows);
    expect(number(lossOf(logits, target))).toBeCloseTo((first + second) / 2, 6);
    expect(number(lossOf(logits, target, { reduction: "sum" }))).toBeCloseTo(first + second, 6);
  });

  test.each<LeafDiceOptions>([
    {},
    { squared: false },
    { compat: "reference" },
    { compat: "reference", squared: false, reduction: "sum" },
  ])("has the gradient of its finite differences, %o", (options) => {
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
    expectClose("gradient", gradientOf(at(values), target, options), differences, { absolute: 5e-5 });
  });

  test("stays within [0, 1], and its gradient finite, for logits up to 1e4, any labels and any annotation", () => {
    const sample = fc.record({
      logits: fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 24, maxLength: 24 }),
      labels: fc.oneof(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 8, maxLength: 8 }),
        fc.constantFrom(Array(8).fill(0), Array(8).fill(3)),
      ),
      annotated: fc.oneof(
        fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 6, maxLength: 6 }),
        fc.constant(Array(6).fill(0)),
      ),
      compat: fc.constantFrom("paper" as const, "reference" as const),
      squared: fc.boolean(),
    });
    fc.assert(
      fc.property(sample, ({ logits, labels, annotated, compat, squared }) => {
        const target = partialTarget(
          [labels.slice(0, 4), labels.slice(4)],
          [annotated.slice(0, 3), annotated.slice(3)],
        );
        const x = tensor(logits, [2, 1, 1, 4, 3]);
        const value = number(lossOf(x, target, { compat, squared }));
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1 + 1e-6);
        expect(gradientOf(x, target, { compat, squared }).every(Number.isFinite)).toBe(true);
      }),
    );
  });

  test("is 0 without gradient if nothing is annotated", () => {
    const target = partialTarget([[0, 0]], [[1, 0, 0]]);
    expect(number(lossOf(TWO_VOXELS, target))).toBe(0);
    expect(gradientOf(TWO_VOXELS, target).every((slope) => slope === 0)).toBe(true);
  });

  test("says what is wrong with its shapes and its options", () => {
    const target = partialTarget([[0, 1]], [[1, 1, 1]]);
    expect(() => lossOf(zeros([1, 1, 1, 3, 3]), target)).toThrow(
      "leafDice: logits and target.oneHot must have the same shape, got [1, 1, 1, 3, 3] and [1, 1, 1, 2, 3].",
    );
    expect(() => lossOf(TWO_VOXELS, { ...target, annotated: ones([1, 2]) as Tensor2D })).toThrow(
      "leafDice: target.annotated must have the shape [1, 3], got [1, 2].",
    );
    expect(() => leafDice({ compat: "code" as "paper" })).toThrow(
      'leafDice: compat must be "paper" or "reference", got "code".',
    );
    expect(() => leafDice({ reduction: "none" as "sum" })).toThrow(
      'leafDice: reduction must be "mean" or "sum", got "none".',
    );
    expect(() => leafDice({ smooth: 0 })).toThrow("leafDice: smooth must be a positive number, got 0.");
  });

  test("runs the example of its README", async () => {
    const modules = { "@tensorflow/tfjs": tf, "@plseg/loss-leaf-dice": loss };
    const readme = new URL("../README.md", import.meta.url);
    const { value, gradient } = await runReadmeExample(readme, modules, ["value", "gradient"]);
    expect(number(value as Tensor)).toBeGreaterThan(0);
    expect(number(value as Tensor)).toBeLessThan(1);
    expect((gradient as Tensor).shape).toEqual([2, 4, 8, 8, 3]);
  });
});
