import "@plseg/test-kit";
import type { PartialTarget } from "@plseg/core";
import { expectClose, runReadmeExample } from "@plseg/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import {
  grad,
  ones,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
  tensor,
  tensor2d,
  zeros,
} from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as losses from "./index.js";
import { type TaskDiceOptions, taskBce, taskDice } from "./index.js";

const number = (x: Tensor): number => x.dataSync()[0] ?? Number.NaN;

/** Targets of `[batch, 1, 1, voxels, channel]`: 1, 0 or −1. All are annotated unless it says otherwise. */
const targetOf = (y: number[][][], annotated?: number[][]): PartialTarget => ({
  oneHot: tensor(y.flat(2), [y.length, 1, 1, y[0]?.length ?? 0, y[0]?.[0]?.length ?? 0]) as Tensor5D,
  annotated: annotated ? tensor2d(annotated) : ones([y.length, y[0]?.[0]?.length ?? 0]),
});

type Of = typeof taskDice | typeof taskBce;
const lossOf = (of: Of, logits: Tensor, target: PartialTarget, options: TaskDiceOptions = {}): Scalar =>
  of(options).compute(logits as Tensor5D, target, {}).value;
const gradientOf = (of: Of, logits: Tensor, target: PartialTarget, options: TaskDiceOptions = {}): number[] => [
  ...grad((x: Tensor) => lossOf(of, x, target, options))(logits).dataSync(),
];

const a = Math.log(3);
/** One channel, two voxels, sigmoid 3/4 and 1/4. */
const ONE_CHANNEL = tensor([a, -a], [1, 1, 1, 2, 1]);
const cases = [
  { name: "taskDice", of: taskDice },
  { name: "taskBce", of: taskBce },
] as const;
const both = ["paper", "reference"] as const;

describe("taskDice", () => {
  const value = (y: number[], options?: TaskDiceOptions): number =>
    number(lossOf(taskDice, ONE_CHANNEL, targetOf([y.map((voxel) => [voxel])]), options));

  test("matches values worked out by hand", () => {
    expect(value([1, 0])).toBeCloseTo(1 - (1.5 + 1) / (1 + 1 + 1), 6);
    expect(value([0, 0])).toBeCloseTo(1 - 1 / (1 + 0 + 1), 6);
    expect(value([1, 0], { smooth: 1e-5 })).toBeCloseTo(1 - (1.5 + 1e-5) / (2 + 1e-5), 6);
    expect(value([1, -1])).toBeCloseTo(1 - (1.5 + 1) / (0.75 + 1 + 1), 6); // the second voxel does not count
  });

  test("has ε in the denominator only, and looks at the first voxel only, with compat reference", () => {
    const reference = { compat: "reference" } as const;
    expect(value([1, 0], reference)).toBeCloseTo(1 - 1.5 / (1 + 1 + 1), 6);
    expect(value([0, 0], reference)).toBe(1);
    expect(value([1, -1], reference)).toBeCloseTo(1 - (2 * (0.75 - 0.25)) / (1 + 0 + 1), 6); // −1 is a number
    expect(value([-1, 1], reference)).toBe(0);
    const saturated = tensor([1e4, -1e4, -1e4], [1, 1, 1, 3, 1]); // 1 + Σ s + Σ y = 1 + 1 − 2
    const strays = targetOf([[[0], [-1], [-1]]]);
    expect(number(lossOf(taskDice, saturated, strays, reference))).toBe(0);
  });

  test("teaches that an annotated organ is absent, which the reference does not", () => {
    const empty = targetOf([[[0], [0]]]);
    expect(gradientOf(taskDice, ONE_CHANNEL, empty).every((slope) => slope > 0.01)).toBe(true);
    const reference = gradientOf(taskDice, ONE_CHANNEL, empty, { compat: "reference" });
    expect(reference.every((slope) => slope === 0)).toBe(true);
  });
});

describe("taskBce", () => {
  const value = (y: number[], options?: TaskDiceOptions): number =>
    number(lossOf(taskBce, ONE_CHANNEL, targetOf([y.map((voxel) => [voxel])]), options));

  test("matches values worked out by hand", () => {
    expect(value([1, 0])).toBeCloseTo(-Math.log(3 / 4), 6);
    expect(value([0, 0])).toBeCloseTo(-(Math.log(1 / 4) + Math.log(3 / 4)) / 2, 6);
    expect(value([1, -1])).toBeCloseTo(-Math.log(3 / 4), 6); // the second voxel does not count
    expect(value([-1, 1])).toBeCloseTo(-Math.log(1 / 4), 6);
  });

  test("looks at the first voxel only with compat reference", () => {
    const reference = { compat: "reference" } as const;
    expect(value([0, 0], reference)).toBeCloseTo(-(Math.log(1 / 4) + Math.log(3 / 4)) / 2, 6);
    // −1 is a number: log(1 + exp x) + x at x = −log 3
    expect(value([1, -1], reference)).toBeCloseTo((-Math.log(3 / 4) + Math.log(4 / 3) - Math.log(3)) / 2, 6);
    expect(value([-1, 1], reference)).toBe(0);
  });
});

describe.each(cases)("$name", ({ name, of }) => {
  test("averages over the samples of each channel, then over the channels", () => {
    const logits = tensor([a, -a, 0, a, -a, 0, 0, a, a, -a, -a, a], [2, 1, 1, 2, 3]);
    const y = [
      [
        [1, 0, 1],
        [0, 1, 1],
      ],
      [
        [1, 1, 0],
        [0, 0, 1],
      ],
    ];
    const target = targetOf(y, [
      [1, 1, 0],
      [0, 1, 0],
    ]);
    const { value, terms } = of().compute(logits as Tensor5D, target, {});
    const pair = (b: number, k: number): number =>
      number(
        lossOf(
          of,
          tf.slice(logits, [b, 0, 0, 0, k], [1, 1, 1, 2, 1]),
          targetOf([(y[b] ?? []).map((voxel) => [voxel[k] ?? Number.NaN])]),
        ),
      );
    expect(number(value)).toBeCloseTo((pair(0, 0) + (pair(0, 1) + pair(1, 1)) / 2) / 2, 6);
    const perPair = [pair(0, 0), pair(0, 1), 0, 0, pair(1, 1), 0];
    expectClose("perPair", terms.perPair?.dataSync() ?? [], perPair, { absolute: 1e-6 });
  });

  test.each(both)("takes −1 everywhere for not annotated, compat %s", (compat) => {
    const logits = tensor([a, -a, 0, a, 2, 3], [1, 1, 1, 2, 3]);
    const gone = targetOf([
      [
        [1, -1, 0],
        [0, -1, 1],
      ],
    ]);
    const rest = tf.gather(logits, [0, 2], 4);
    const expected = number(
      lossOf(
        of,
        rest,
        targetOf([
          [
            [1, 0],
            [0, 1],
          ],
        ]),
        { compat },
      ),
    );
    expect(number(lossOf(of, logits, gone, { compat }))).toBeCloseTo(expected, 6);
    const slopes = gradientOf(of, logits, gone, { compat });
    expect([slopes[1], slopes[4]].map(Math.abs as (x?: number) => number)).toEqual([0, 0]);
  });

  test.each(both)("has the gradient of its finite differences, compat %s", (compat) => {
    const values = [0.3, -1, 2, 0.5, 0.1, -0.4, 1.5, -2, 0, 0.2, 0.9, -0.7];
    const at = (shifted: number[]): Tensor => tensor(shifted, [2, 1, 1, 3, 2]);
    const target = targetOf(
      [
        [
          [1, 0],
          [0, 0],
          [-1, 1],
        ],
        [
          [-1, 1],
          [-1, 1],
          [-1, 0],
        ],
      ],
      [
        [1, 1],
        [1, 0],
      ],
    );
    const h = 1e-2;
    const differences = values.map((_, i) => {
      const shifted = (step: number): number =>
        number(lossOf(of, at(values.map((v, j) => (i === j ? v + step : v))), target, { compat }));
      return (shifted(h) - shifted(-h)) / (2 * h);
    });
    expectClose("gradient", gradientOf(of, at(values), target, { compat }), differences, { absolute: 5e-5 });
  });

  test("stays finite for logits up to 1e4, any target and any annotation", () => {
    const pair = fc.oneof(
      fc.array(fc.integer({ min: -1, max: 1 }), { minLength: 4, maxLength: 4 }),
      fc.constantFrom(Array<number>(4).fill(0), Array<number>(4).fill(-1)),
    );
    const sample = fc.record({
      compat: fc.constantFrom(...both),
      pairs: fc.array(pair, { minLength: 4, maxLength: 4 }),
      logits: fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 16, maxLength: 16 }),
      annotated: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 4, maxLength: 4 }),
    });
    fc.assert(
      fc.property(sample, ({ compat, pairs, logits, annotated }) => {
        const voxels = (b: number): number[][] =>
          [0, 1, 2, 3].map((v) => [0, 1].map((k) => pairs[2 * b + k]?.[v] ?? Number.NaN));
        const target = targetOf([voxels(0), voxels(1)], [annotated.slice(0, 2), annotated.slice(2)]);
        const x = tensor(logits, [2, 1, 1, 4, 2]);
        const value = number(lossOf(of, x, target, { compat }));
        expect(value).toBeGreaterThanOrEqual(compat === "paper" ? 0 : Number.NEGATIVE_INFINITY);
        expect(value).toBeLessThanOrEqual(compat === "paper" ? 1e4 : Number.MAX_VALUE);
        expect(gradientOf(of, x, target, { compat }).every(Number.isFinite)).toBe(true);
      }),
    );
  });

  test.each([
    { why: "not annotated", target: targetOf([[[0], [0]]], [[0]]), options: {} },
    { why: "unknown", target: targetOf([[[-1], [-1]]]), options: {} },
    { why: "unknown to the reference", target: targetOf([[[-1], [-1]]]), options: { compat: "reference" } as const },
  ])("is 0 without gradient if everything is $why", ({ target, options }) => {
    expect(number(lossOf(of, ONE_CHANNEL, target, options))).toBe(0);
    expect(gradientOf(of, ONE_CHANNEL, target, options).every((slope) => slope === 0)).toBe(true);
  });

  test("says what is wrong with its shapes and its options", () => {
    const target = targetOf([[[0], [1]]]);
    expect(() => lossOf(of, zeros([1, 1, 1, 3, 1]), target)).toThrow(
      `${name}: logits and target.oneHot must have the same shape, got [1, 1, 1, 3, 1] and [1, 1, 1, 2, 1].`,
    );
    expect(() => lossOf(of, ONE_CHANNEL, { ...target, annotated: ones([1, 3]) as Tensor2D })).toThrow(
      `${name}: target.annotated must have the shape [1, 1], got [1, 3].`,
    );
    expect(() => of({ compat: "code" as "paper" })).toThrow(
      `${name}: compat must be "paper" or "reference", got "code".`,
    );
    expect(() => taskDice({ smooth: 0 })).toThrow("taskDice: smooth must be a positive number, got 0.");
  });
});

describe("README", () => {
  test("has an example that runs", async () => {
    const modules = { "@tensorflow/tfjs": tf, "@plseg/loss-task": losses };
    const readme = new URL("../README.md", import.meta.url);
    const { value, gradient } = await runReadmeExample(readme, modules, ["value", "gradient"]);
    expect(number(value as Tensor)).toBeGreaterThan(0);
    expect((gradient as Tensor).shape).toEqual([2, 4, 8, 8, 1]);
    const ofSecond = tf.slice(gradient as Tensor, [1, 0, 0, 0, 0], [1, 4, 8, 8, 1]).dataSync();
    expect(ofSecond.every((slope) => slope === 0)).toBe(true); // its organ was not annotated
  });
});
