import "@plseg/test-kit";
import type { PartialTarget } from "@plseg/core";
import { expectClose } from "@plseg/test-kit";
import {
  add,
  clipByValue,
  div,
  grad,
  log,
  mul,
  oneHot,
  ones,
  randomNormal,
  type Scalar,
  scalar,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
  tensor,
  tensor2d,
  zeros,
} from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DecoupledForegroundLossOptions, decoupledForegroundLoss } from "./decoupled-foreground-loss.js";

const number = (x: Tensor): number => x.dataSync()[0] ?? Number.NaN;

/** Class indices of volumes of shape `[batch, depth, height, width]`, and which classes are annotated (all by default). */
function targetOf(labels: number[], shape: number[], classes: number, annotated?: number[][]): PartialTarget {
  return {
    oneHot: oneHot(tensor(labels, shape, "int32"), classes, 1, 0, "float32") as Tensor5D,
    annotated: annotated ? tensor2d(annotated) : ones([shape[0] ?? 0, classes]),
  };
}

const lossOf = (options: DecoupledForegroundLossOptions, logits: Tensor, target: PartialTarget): Scalar =>
  decoupledForegroundLoss(options).compute(logits as Tensor5D, target, {}).value;

const gradientOf = (options: DecoupledForegroundLossOptions, logits: Tensor, target: PartialTarget): Float32Array =>
  grad((x: Tensor) => lossOf(options, x, target))(logits).dataSync() as Float32Array;

/** The loss as it is defined, term by term, for presence "annotated". */
function byDefinition(
  logits: Tensor,
  { oneHot, annotated }: PartialTarget,
  classes: number,
  absentWeight: number,
): Scalar {
  const column = (x: Tensor, b: number, c: number): Tensor => slice(x, [b, 0, 0, 0, c], [1, -1, -1, -1, 1]);
  let total: Tensor = scalar(0);
  const p = clipByValue(softmax(logits), 1e-10, 1);
  const inBatch = annotated.arraySync();
  for (const [b, row] of inBatch.entries())
    for (let c = 1; c < classes; c++) {
      if (row[c] !== 1) continue;
      const [f, y] = [column(p, b, c), column(oneHot, b, c)];
      const [g, other] = [clipByValue(sub(1, f), 1e-10, 1), sub(1, y)];
      const crossEntropy = div(sum(add(mul(y, log(f)), mul(other, log(g)))), -f.size);
      const score = (a: Tensor, s: Tensor): Tensor => div(mul(2, sum(mul(a, s))), add(add(sum(a), sum(s)), 1e-5));
      const dice = sub(1, div(add(score(other, g), score(y, f)), 2));
      total = add(total, mul(number(sum(y)) > 0 ? 1 : absentWeight, add(crossEntropy, dice)));
    }
  return total as Scalar;
}

describe("decoupledForegroundLoss", () => {
  test("matches a value worked out by hand", () => {
    const logits = tensor([0, Math.log(3), 0, 0], [1, 1, 1, 2, 2]); // f = 0.75 on the organ, 0.5 beside it
    const target = targetOf([1, 0], [1, 1, 1, 2], 2);
    const crossEntropy = -(Math.log(0.75) + Math.log(0.5)) / 2;
    const dice = 1 - ((2 * 0.75) / (1 + 1.25) + (2 * 0.5) / (1 + 0.75)) / 2;
    expect(number(lossOf({ classes: 2 }, logits, target))).toBeCloseTo(crossEntropy + dice, 5);
  });

  test("has the value and the gradient of its definition", () => {
    const logits = randomNormal([2, 3, 2, 4, 4], 0, 3, "float32", 7);
    const labels = Array.from({ length: 48 }, (_, v) => (v % 5 === 0 ? 2 : v % 7 === 0 ? 1 : 0));
    const annotated = [
      [1, 1, 0, 1],
      [1, 0, 1, 1],
    ];
    const target = targetOf(labels, [2, 3, 2, 4], 4, annotated);
    const definition = (x: Tensor): Scalar => byDefinition(x, target, 4, 0.25);
    const options = { classes: 4, absentWeight: 0.25 };
    expect(number(lossOf(options, logits, target))).toBeCloseTo(number(definition(logits)), 5);
    expectClose("gradient", gradientOf(options, logits, target), grad(definition)(logits).dataSync(), { ofMax: 2e-6 });
  });

  test("has the gradient of its finite differences", () => {
    const values = [0.3, -1, 2, 0.5, 0.1, -0.4, 1.5, -2, 0, 0.2, 0.9, -0.7];
    const at = (shifted: number[]): Tensor => tensor(shifted, [1, 1, 2, 2, 3]);
    const target = targetOf([1, 2, 0, 1], [1, 1, 2, 2], 3);
    const h = 1e-2;
    const differences = values.map((_, i) => {
      const shifted = (step: number): number =>
        number(lossOf({ classes: 3 }, at(values.map((v, j) => (i === j ? v + step : v))), target));
      return (shifted(h) - shifted(-h)) / (2 * h);
    });
    expectClose("gradient", gradientOf({ classes: 3 }, at(values), target), differences, { absolute: 1e-4 });
  });

  test("is the same for any logits of an organ that nobody annotated, but for the softmax", () => {
    const target = targetOf([1, 2, 0, 0], [1, 1, 1, 4], 3, [[1, 1, 0]]);
    const logits = tensor([1, 2, 0, 0, 1, 3, 2, 0, 1, 1, 1, 1], [1, 1, 1, 4, 3]);
    const swapped = tensor([0, 2, 1, 3, 1, 0, 1, 0, 2, 1, 1, 1], [1, 1, 1, 4, 3]); // class 0 and class 2 change places
    const value = number(lossOf({ classes: 3 }, logits, target));
    expect(value).toBeCloseTo(number(lossOf({ classes: 3 }, swapped, target)), 5);
  });

  test("weighs annotated organs that do not occur, or leaves them out", () => {
    const logits = randomNormal([1, 2, 2, 2, 3], 0, 1, "float32", 3);
    const target = targetOf([1, 1, 0, 0, 0, 0, 0, 1], [1, 2, 2, 2], 3); // class 2 is annotated, and not there
    const at = (options: Partial<DecoupledForegroundLossOptions>): number =>
      number(lossOf({ classes: 3, ...options }, logits, target));
    const [without, half, full] = [at({ absentWeight: 0 }), at({}), at({ absentWeight: 1 })];
    expect(half).toBeCloseTo((without + full) / 2, 5);
    expect(full).toBeGreaterThan(without);
    expect(at({ presence: "crop" })).toBeCloseTo(without, 6);
  });

  test("reports its two parts", () => {
    const logits = randomNormal([1, 2, 2, 2, 3], 0, 1, "float32", 4) as Tensor5D;
    const target = targetOf([1, 1, 0, 2, 0, 0, 0, 1], [1, 2, 2, 2], 3);
    const { value, terms, state } = decoupledForegroundLoss({ classes: 3 }).compute(logits, target, {});
    const [crossEntropy, dice] = [terms.crossEntropy, terms.dice].map((term) => number(term as Tensor));
    expect(number(value)).toBeCloseTo((crossEntropy as number) + (dice as number), 6);
    expect(state).toEqual({});
  });

  test("gives the gradient up where a probability is below 1e-10", () => {
    const logits = tensor([50, 0, 0, 50], [1, 1, 1, 2, 2]); // f = 2e-22 on the organ, 1 in float32 beside it
    const target = targetOf([1, 0], [1, 1, 1, 2], 2);
    const crossEntropy = -Math.log(1e-10);
    expect(number(lossOf({ classes: 2 }, logits, target))).toBeCloseTo(crossEntropy + 1, 4);
    for (const slope of gradientOf({ classes: 2 }, logits, target)) expect(Math.abs(slope)).toBeLessThan(1e-12);
  });

  test("is 0 without gradient if nothing is annotated", () => {
    const logits = randomNormal([1, 2, 2, 2, 3], 0, 1, "float32", 5);
    const target = targetOf(Array(8).fill(0), [1, 2, 2, 2], 3, [[0, 0, 0]]);
    expect(number(lossOf({ classes: 3 }, logits, target))).toBe(0);
    expect([...gradientOf({ classes: 3 }, logits, target)].every((slope) => slope === 0)).toBe(true);
  });

  test("stays finite for logits up to 1e4, any label and any annotation", () => {
    const sample = fc.record({
      logits: fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 24, maxLength: 24 }),
      labels: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 8, maxLength: 8 }),
      annotated: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 6, maxLength: 6 }),
      presence: fc.constantFrom("annotated" as const, "crop" as const),
    });
    fc.assert(
      fc.property(sample, ({ logits, labels, annotated, presence }) => {
        const target = targetOf(labels, [2, 1, 2, 2], 3, [annotated.slice(0, 3), annotated.slice(3)]);
        const x = tensor(logits, [2, 1, 2, 2, 3]);
        expect(number(lossOf({ classes: 3, presence }, x, target))).toBeGreaterThanOrEqual(0);
        expect(gradientOf({ classes: 3, presence }, x, target).every(Number.isFinite)).toBe(true);
      }),
    );
  });

  test.each([0, 1])("stays finite if every voxel is class %d", (label) => {
    const target = targetOf(Array(8).fill(label), [1, 2, 2, 2], 2);
    const logits = tensor(
      Array.from({ length: 16 }, (_, i) => (i % 2 === label ? 80 : 0)),
      [1, 2, 2, 2, 2],
    );
    expect(number(lossOf({ classes: 2, absentWeight: 1 }, logits, target))).toBeCloseTo(0.5, 4);
    expect(gradientOf({ classes: 2 }, logits, target).every(Number.isFinite)).toBe(true);
  });

  test("says which shapes disagree", () => {
    const target = targetOf([0, 1], [1, 1, 1, 2], 3);
    const shaped =
      (shape: number[], classes = 3): (() => Scalar) =>
      () =>
        lossOf({ classes }, zeros(shape), target);
    expect(shaped([1, 1, 2, 2, 3])).toThrow(
      "decoupledForegroundLoss: logits and target.oneHot must have the same shape, got [1, 1, 2, 2, 3] and [1, 1, 1, 2, 3].",
    );
    expect(shaped([1, 2, 3])).toThrow("decoupledForegroundLoss: logits must have rank 5, got rank 3 [1, 2, 3].");
    expect(shaped([1, 1, 1, 2, 3], 4)).toThrow(
      "decoupledForegroundLoss: logits must have 4 classes along their last axis, got [1, 1, 1, 2, 3].",
    );
    const organsOnly = { ...target, annotated: ones([1, 2]) as Tensor2D };
    expect(() => lossOf({ classes: 3 }, zeros([1, 1, 1, 2, 3]), organsOnly)).toThrow(
      "decoupledForegroundLoss: target.annotated must have the shape [1, 3], got [1, 2].",
    );
  });

  test("says which option cannot be", () => {
    expect(() => decoupledForegroundLoss({ classes: 1 })).toThrow(
      "decoupledForegroundLoss: classes must be a whole number of at least 2, background included, got 1.",
    );
    expect(() => decoupledForegroundLoss({ classes: 3, absentWeight: Number.NaN })).toThrow(
      "decoupledForegroundLoss: absentWeight must be a number of at least 0, got NaN.",
    );
    expect(() => decoupledForegroundLoss({ classes: 3, presence: "scan" as "crop" })).toThrow(
      'decoupledForegroundLoss: presence must be "annotated" or "crop", got "scan".',
    );
  });
});
