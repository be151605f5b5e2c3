import "@plseg/test-kit";
import type { PartialTarget } from "@plseg/core";
import { grad, oneHot, ones, type Tensor, type Tensor5D, tensor, tensor2d, zeros } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { type ExclusionLossOptions, exclusionLoss } from "./exclusion-loss.js";

const number = (x: Tensor): number => x.dataSync()[0] ?? Number.NaN;
const { log } = Math;

/** A batch of rows of labels. */
function targetOf(labels: number[][], annotated: number[][]): PartialTarget {
  const shape = [labels.length, 1, 1, labels[0]?.length ?? 0];
  return {
    oneHot: oneHot(tensor(labels.flat(), shape, "int32"), annotated[0]?.length ?? 0, 1, 0, "float32") as Tensor5D,
    annotated: tensor2d(annotated),
  };
}

const lossOf = (options: ExclusionLossOptions, logits: Tensor, target: PartialTarget) =>
  exclusionLoss(options).compute(logits as Tensor5D, target, {});

const gradientOf = (options: ExclusionLossOptions, logits: Tensor, target: PartialTarget): number[] =>
  Array.from(grad((x: Tensor) => lossOf(options, x, target).value)(logits).dataSync());

/** p = (1/4, 1/2, 1/4) on organ 1 and (1/2, 1/4, 1/4) beside it; organ 2 is not annotated. */
const logits = tensor([0, log(2), 0, log(2), 0, 0], [1, 1, 1, 2, 3]);
const target = targetOf([[1, 0]], [[1, 1, 0]]);
/** Of the classes 0, 1 and 2: e = (1, 0), (0, 1) and (1, 0). */
const DICE = [(2 * 0.25) / (1 + 0.75), (2 * 0.25) / (1 + 0.75), (2 * 0.25) / (1 + 0.5)] as const;
const MEAN_DICE = (DICE[0] + DICE[1] + DICE[2]) / 3;

describe("exclusionLoss", () => {
  test("matches a value worked out by hand", () => {
    const crossEntropy = (3 * log(1.25)) / 2;
    const { value, terms, state } = lossOf({}, logits, target);
    expect(number(value)).toBeCloseTo(crossEntropy + MEAN_DICE, 5);
    expect(number(terms.crossEntropy as Tensor)).toBeCloseTo(crossEntropy, 6);
    expect(number(terms.dice as Tensor)).toBeCloseTo(MEAN_DICE, 5);
    const [classDice] = (terms.classDice as Tensor).arraySync() as number[][];
    for (const [c, score] of DICE.entries()) expect(classDice?.[c]).toBeCloseTo(score, 5);
    expect(state).toEqual({});
    expect(number(lossOf({ crossEntropyWeight: 2, diceWeight: 0.5 }, logits, target).value)).toBeCloseTo(
      2 * crossEntropy + MEAN_DICE / 2,
      5,
    );
  });

  test("is lower for an annotated organ where it is, and for anything else where it is not", () => {
    const slopes = gradientOf({}, logits, target);
    expect(slopes[1]).toBeLessThan(0); // organ 1 on its voxel
    expect(slopes[2]).toBeGreaterThan(0); // organ 2 on the voxel of organ 1
    expect(slopes[4]).toBeGreaterThan(0); // organ 1 beside its voxel
  });

  test("says nothing without annotated organ", () => {
    const nothing = targetOf([[0, 0]], [[1, 0, 0]]);
    expect(number(lossOf({}, logits, nothing).value)).toBe(0);
    for (const slope of gradientOf({}, logits, nothing)) expect(Math.abs(slope)).toBe(0);
  });

  test.each(["reference", "reference-v2"] as const)("is a Dice score minus 1 in the %s", (compat) => {
    const unknown = { ...target, annotated: ones([1, 3]) as typeof target.annotated }; // not read
    expect(number(lossOf({ compat }, logits, unknown).value)).toBeCloseTo(MEAN_DICE - 1, 5);
  });

  test("stops at the first class without room in the reference", () => {
    const uniform = zeros([1, 1, 1, 2, 3]);
    const everywhere = targetOf([[1, 1]], [[1, 1, 1]]); // only class 0 comes before class 1, and has room 2
    const ofFirst = (2 * (2 / 3)) / (2 + 2 / 3);
    expect(number(lossOf({ compat: "reference" }, uniform, everywhere).value)).toBeCloseTo(ofFirst - 1, 5);
    const ofAll = (2 * ofFirst) / 3 - 1;
    expect(number(lossOf({ compat: "reference-v2" }, uniform, everywhere).value)).toBeCloseTo(ofAll, 5);

    const background = targetOf([[0, 0]], [[1, 1, 1]]);
    for (const compat of ["reference", "reference-v2"] as const) {
      expect(Math.abs(number(lossOf({ compat }, uniform, background).value))).toBe(0);
      for (const slope of gradientOf({ compat }, uniform, background)) expect(Math.abs(slope)).toBe(0);
    }
  });

  test("says which shapes disagree", () => {
    expect(() => lossOf({}, zeros([1, 1, 1, 2, 4]), target)).toThrow(
      "exclusionLoss: logits and target.oneHot must have the same shape, got [1, 1, 1, 2, 4] and [1, 1, 1, 2, 3].",
    );
    expect(() => lossOf({}, logits, { ...target, annotated: tensor2d([[1, 0]]) })).toThrow(
      "exclusionLoss: target.annotated must have the shape [1, 3], got [1, 2].",
    );
  });

  test("says which option cannot be", () => {
    expect(() => exclusionLoss({ compat: "code" as "paper" })).toThrow(
      'exclusionLoss: compat must be "paper" or "reference" or "reference-v2", got "code".',
    );
    expect(() => exclusionLoss({ crossEntropyWeight: Number.POSITIVE_INFINITY })).toThrow(
      "exclusionLoss: crossEntropyWeight must be a number of at least 0, got Infinity.",
    );
  });
});
