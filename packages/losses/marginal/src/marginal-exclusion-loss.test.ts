import "@plseg/test-kit";
import type { PartialTarget, SegmentationLoss } from "@plseg/core";
import { expectClose, runReadmeExample } from "@plseg/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { grad, oneHot, type Tensor, type Tensor2D, type Tensor5D, tensor, zeros } from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as loss from "./index.js";
import { exclusionLoss, type MarginalCompat, marginalExclusionLoss, marginalLoss } from "./index.js";

const number = (x: Tensor): number => x.dataSync()[0] ?? Number.NaN;
const COMPATS = ["paper", "reference", "reference-v2"] as const satisfies readonly MarginalCompat[];
const SHAPE = [2, 1, 2, 2, 3];

/** A batch of two samples of four voxels and three classes. */
function targetOf(labels: number[], annotated: number[]): PartialTarget {
  return {
    oneHot: oneHot(tensor(labels, [2, 1, 2, 2], "int32"), 3, 1, 0, "float32") as Tensor5D,
    annotated: tensor(annotated, [2, 3]) as Tensor2D,
  };
}

const lossOf = (of: SegmentationLoss, logits: Tensor, target: PartialTarget): tf.Scalar =>
  of.compute(logits as Tensor5D, target, {}).value;

const gradientOf = (of: SegmentationLoss, logits: Tensor, target: PartialTarget): Float32Array =>
  grad((x: Tensor) => lossOf(of, x, target))(logits).dataSync() as Float32Array;

const LOGITS = [0.3, -1, 2, 0.5, 0.1, -0.4, 1.5, -2, 0, 0.2, 0.9, -0.7, 1, 0, -1, 2, 0.4, 0, 0, 1, 0.6, -0.8, 0.3, 1.1];
const TARGET = targetOf([1, 0, 2, 1, 0, 2, 0, 0], [1, 1, 1, 1, 0, 1]);

describe.each(COMPATS)("marginalExclusionLoss, compat %s", (compat) => {
  test("is the weighted sum of its two losses", () => {
    const logits = tensor(LOGITS, SHAPE);
    const options = { marginal: { diceReduction: "sum" }, exclusion: { crossEntropyWeight: 0.5 } } as const;
    const { value, terms } = marginalExclusionLoss({ compat, exclusionWeight: 0.3, ...options }).compute(
      logits as Tensor5D,
      TARGET,
      {},
    );
    const marginal = number(lossOf(marginalLoss({ compat, ...options.marginal }), logits, TARGET));
    const exclusion = number(lossOf(exclusionLoss({ compat, ...options.exclusion }), logits, TARGET));
    expect(number(value)).toBeCloseTo(marginal + 0.3 * exclusion, 5);
    expect(number(terms.marginal as Tensor)).toBeCloseTo(marginal, 6);
    expect(number(terms.exclusion as Tensor)).toBeCloseTo(exclusion, 6);
  });

  test("has the gradient of its finite differences", () => {
    const of = marginalExclusionLoss({ compat, exclusionWeight: 1 });
    const h = 1e-2;
    const differences = LOGITS.map((_, i) => {
      const shifted = (step: number): number =>
        number(
          lossOf(
            of,
            tensor(
              LOGITS.map((v, j) => (i === j ? v + step : v)),
              SHAPE,
            ),
            TARGET,
          ),
        );
      return (shifted(h) - shifted(-h)) / (2 * h);
    });
    expectClose("gradient", gradientOf(of, tensor(LOGITS, SHAPE), TARGET), differences, { absolute: 1e-4 });
  });

  test("and its parts stay finite for logits up to 1e4, any label and any annotation", () => {
    const losses = [marginalLoss({ compat }), exclusionLoss({ compat }), marginalExclusionLoss({ compat })];
    const sample = fc.record({
      logits: fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 24, maxLength: 24 }),
      labels: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 8, maxLength: 8 }),
      annotated: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 6, maxLength: 6 }),
    });
    fc.assert(
      fc.property(sample, fc.constantFrom(...losses), ({ logits, labels, annotated }, of) => {
        const [x, target] = [tensor(logits, SHAPE), targetOf(labels, annotated)];
        expect(number(lossOf(of, x, target))).toBeGreaterThanOrEqual(compat === "paper" ? -1e-5 : -1 - 1e-5);
        expect(number(lossOf(of, x, target))).toBeLessThan(1e5);
        expect(gradientOf(of, x, target).every(Number.isFinite)).toBe(true);
      }),
    );
  });

  test.each([
    { what: "everything is background", label: 0, annotated: [1, 1, 1, 1, 1, 1] },
    { what: "everything is one organ", label: 2, annotated: [1, 1, 1, 1, 1, 1] },
    { what: "everything is background and nothing annotated", label: 0, annotated: [0, 0, 0, 0, 0, 0] },
  ])("stays finite if $what, right or wrong", ({ label, annotated }) => {
    const target = targetOf(Array(8).fill(label), annotated);
    for (const favored of [0, 1, 2]) {
      const logits = tensor(
        Array.from({ length: 24 }, (_, i) => (i % 3 === favored ? 200 : -200)),
        SHAPE,
      );
      const of = marginalExclusionLoss({ compat });
      expect(Number.isFinite(number(lossOf(of, logits, target)))).toBe(true);
      expect(gradientOf(of, logits, target).every(Number.isFinite)).toBe(true);
    }
  });
});

describe("marginalExclusionLoss", () => {
  test("weighs the exclusion loss by 1, and by 0.1 in the reference", () => {
    const logits = tensor(LOGITS, SHAPE);
    for (const compat of COMPATS) {
      const marginal = number(lossOf(marginalLoss({ compat }), logits, TARGET));
      const exclusion = number(lossOf(exclusionLoss({ compat }), logits, TARGET));
      const expected = marginal + (compat === "paper" ? 1 : 0.1) * exclusion;
      expect(number(lossOf(marginalExclusionLoss({ compat }), logits, TARGET))).toBeCloseTo(expected, 5);
    }
  });

  test("says which shapes disagree", () => {
    expect(() => lossOf(marginalExclusionLoss(), zeros([2, 1, 2, 2, 4]), TARGET)).toThrow(
      "marginalExclusionLoss: logits and target.oneHot must have the same shape, got [2, 1, 2, 2, 4] and [2, 1, 2, 2, 3].",
    );
  });

  test("says which option cannot be", () => {
    expect(() => marginalExclusionLoss({ exclusionWeight: -0.1 })).toThrow(
      "marginalExclusionLoss: exclusionWeight must be a number of at least 0, got -0.1.",
    );
    expect(() => marginalExclusionLoss({ compat: "code" as "paper" })).toThrow(
      'marginalExclusionLoss: compat must be "paper" or "reference" or "reference-v2", got "code".',
    );
    expect(() => marginalExclusionLoss({ marginal: { diceWeight: -1 } })).toThrow(
      "marginalExclusionLoss: marginal: diceWeight must be a number of at least 0, got -1.",
    );
    expect(() => marginalExclusionLoss({ exclusion: { diceWeight: -1 } })).toThrow(
      "marginalExclusionLoss: exclusion: diceWeight must be a number of at least 0, got -1.",
    );
  });

  test("runs the example of its README", async () => {
    const modules = { "@tensorflow/tfjs": tf, "@plseg/loss-marginal": loss };
    const names = ["value", "terms", "gradient"];
    const { value, terms, gradient } = await runReadmeExample(new URL("../README.md", import.meta.url), modules, names);
    const { marginal, exclusion } = terms as { marginal: Tensor; exclusion: Tensor };
    expect(number(value as Tensor)).toBeCloseTo(number(marginal) + number(exclusion), 5);
    expect((gradient as Tensor).shape).toEqual([2, 4, 8, 8, 3]);
  });
});
