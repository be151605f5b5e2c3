import "@plseg/test-kit";
import type { PartialTarget } from "@plseg/core";
import {
  concat,
  grad,
  oneHot,
  randomNormal,
  type Tensor,
  type Tensor5D,
  tensor,
  tensor2d,
  zeros,
} from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { type MarginalLossOptions, marginalLoss } from "./marginal-loss.js";

const number = (x: Tensor): number => x.dataSync()[0] ?? Number.NaN;
const { log } = Math;
const [LOG2, LOG3] = [log(2), log(3)];

/** A batch of rows of labels. */
function targetOf(labels: number[][], annotated: number[][]): PartialTarget {
  const shape = [labels.length, 1, 1, labels[0]?.length ?? 0];
  return {
    oneHot: oneHot(tensor(labels.flat(), shape, "int32"), annotated[0]?.length ?? 0, 1, 0, "float32") as Tensor5D,
    annotated: tensor2d(annotated),
  };
}

/** Logits of a batch of rows of voxels. */
const logitsOf = (rows: number[][][]): Tensor =>
  tensor(rows.flat(2), [rows.length, 1, 1, rows[0]?.length ?? 0, rows[0]?.[0]?.length ?? 0]);

const lossOf = (options: MarginalLossOptions, logits: Tensor, target: PartialTarget) =>
  marginalLoss(options).compute(logits as Tensor5D, target, {});

const gradientOf = (options: MarginalLossOptions, logits: Tensor, target: PartialTarget): number[] =>
  Array.from(grad((x: Tensor) => lossOf(options, x, target).value)(logits).dataSync());

/** p = (1/4, 1/2, 1/4) on organ 1 and (1/2, 1/4, 1/4) beside it; organ 2 is not annotated. */
const logits = logitsOf([
  [
    [0, LOG2, 0],
    [LOG2, 0, 0],
  ],
]);
const target = targetOf([[1, 0]], [[1, 1, 0]]);

describe("marginalLoss", () => {
  test("matches a value worked out by hand", () => {
    const crossEntropy = -(log(0.5) + log(0.75)) / 2;
    const dice = [1 - (2 * 0.75) / (1 + 1.25), 1 - (2 * 0.5) / (1 + 0.75)] as const;
    const { value, terms, state } = lossOf({}, logits, target);
    expect(number(value)).toBeCloseTo(crossEntropy + (dice[0] + dice[1]) / 2, 5);
    expect(number(terms.crossEntropy as Tensor)).toBeCloseTo(crossEntropy, 6);
    expect(number(terms.dice as Tensor)).toBeCloseTo((dice[0] + dice[1]) / 2, 5);
    const classDice = (terms.classDice as Tensor).arraySync() as number[][];
    expect(classDice[0]?.[0]).toBeCloseTo(dice[0], 5);
    expect(classDice[0]?.[1]).toBeCloseTo(dice[1], 5);
    expect(classDice[0]?.[2]).toBe(0);
    expect(state).toEqual({});

    const weighted = lossOf({ crossEntropyWeight: 3, diceWeight: 0.5, diceReduction: "sum" }, logits, target).value;
    expect(number(weighted)).toBeCloseTo(3 * crossEntropy + (dice[0] + dice[1]) / 2, 5);
  });

  test("averages over samples, each with its own groups", () => {
    const [first, second] = [1, 2].map((seed) => randomNormal([1, 1, 1, 4, 4], 0, 2, "float32", seed));
    const [inFirst, inSecond] = [
      [0, 1, 1, 3],
      [2, 0, 0, 2],
    ];
    const [ofFirst, ofSecond] = [
      [1, 1, 0, 1],
      [1, 0, 1, 0],
    ];
    const value = (x: Tensor, labels: number[][], annotated: number[][]): number =>
      number(lossOf({}, x, targetOf(labels, annotated)).value);
    const mean = (value(first as Tensor, [inFirst], [ofFirst]) + value(second as Tensor, [inSecond], [ofSecond])) / 2;
    const both = concat([first as Tensor, second as Tensor]);
    expect(value(both, [inFirst, inSecond], [ofFirst, ofSecond])).toBeCloseTo(mean, 5);
  });

  test("does not tell the background from organs that nobody annotated", () => {
    const x = logitsOf([
      [
        [3, 1, -1],
        [0.5, 0, 2],
      ],
    ]);
    const swapped = logitsOf([
      [
        [-1, 1, 3],
        [2, 0, 0.5],
      ],
    ]);
    expect(number(lossOf({}, x, target).value)).toBeCloseTo(number(lossOf({}, swapped, target).value), 6);
    const asOrgan = targetOf([[1, 2]], [[1, 1, 0]]); // a label that should not be there counts as background, too
    expect(number(lossOf({}, x, asOrgan).value)).toBe(number(lossOf({}, x, target).value));
  });

  test("reads nothing in the background's column of the annotation", () => {
    const without = targetOf([[1, 0]], [[0, 1, 0]]);
    expect(number(lossOf({}, logits, without).value)).toBe(number(lossOf({}, logits, target).value));
  });

  test("pushes down an annotated organ that is absent, unless compat guesses from the crop", () => {
    const absent = targetOf([[0, 0]], [[1, 1, 0]]);
    const atFirstVoxel = (options: MarginalLossOptions): number[] => gradientOf(options, logits, absent).slice(0, 3);
    const [background, annotated, unannotated] = atFirstVoxel({ diceWeight: 0 });
    expect(background).toBeCloseTo((0.25 - 0.5) / 2, 6); // p − r over two voxels, r = (1/2, 0, 1/2)
    expect(annotated).toBeCloseTo(0.5 / 2, 6);
    expect(unannotated).toBeCloseTo((0.25 - 0.5) / 2, 6);
    for (const slope of atFirstVoxel({ compat: "reference" })) expect(slope).toBeCloseTo(0, 6);
  });

  test("is 0 without gradient if no organ is annotated", () => {
    const nothing = targetOf([[0, 0]], [[1, 0, 0]]);
    expect(number(lossOf({}, logits, nothing).value)).toBeCloseTo(0, 5);
    for (const slope of gradientOf({}, logits, nothing)) expect(slope).toBeCloseTo(0, 6);
  });

  test("keeps the value and the gradient of groups whose probability is 0 in float32", () => {
    const sure = logitsOf([[[1e4, 0, 0]]]);
    const options = { diceWeight: 0 };
    expect(number(lossOf(options, sure, targetOf([[1]], [[1, 1, 0]])).value)).toBe(1e4);
    expect(gradientOf(options, sure, targetOf([[1]], [[1, 1, 0]]))).toEqual([1, -1, 0]);
    const merged = logitsOf([[[0, 1e4, LOG3]]]); // 1e4 − log(1 + 3) from the organ
    expect(number(lossOf(options, merged, targetOf([[0]], [[1, 1, 0]])).value)).toBeCloseTo(1e4 - log(4), 2);
    const [background, organ, other] = gradientOf(options, merged, targetOf([[0]], [[1, 1, 0]]));
    expect([background, organ, other].map((slope) => slope?.toFixed(4))).toEqual(["-0.2500", "1.0000", "-0.7500"]);
  });

  test("pads with logits of 0 and merges logits in the reference, by hand", () => {
    const x = logitsOf([
      [
        [0, LOG2, 0], // merged 0, organ log 2
        [LOG2, 0, LOG3], // merged log 6, organ 0
      ],
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
    ]);
    const partial = targetOf(
      [
        [1, 0],
        [1, 2],
      ],
      [
        [1, 1, 1], // not read
        [1, 0, 0],
      ],
    );
    const dice = (1 - (2 * 6) / 7 / (1 + 1 / 3 + 6 / 7) + 1 - (2 * 2) / 3 / (1 + 2 / 3 + 1 / 7)) / 2;
    const diceOfSecond = (1 + 0.6 + 0.6) / 3;
    const padded = ((LOG2 + log(4 / 3)) / 2 + LOG3) / 2; // p = (1/4, 1/2, 1/4 padding) and (6/8, 1/8, 1/8 padding)
    const unpadded = ((log(3 / 2) + log(7 / 6)) / 2 + LOG3) / 2;
    const value = (compat: "reference" | "reference-v2"): number => number(lossOf({ compat }, x, partial).value);
    expect(value("reference")).toBeCloseTo((padded + (dice + diceOfSecond) / 2) / 2, 5);
    expect(value("reference-v2")).toBeCloseTo((unpadded + (dice + diceOfSecond) / 2) / 2, 5);
  });

  test("leaves out samples without organ in the second reference, but divides by all", () => {
    const first = randomNormal([1, 1, 1, 2, 3], 0, 1, "float32", 3);
    const both = concat([first, randomNormal([1, 1, 1, 2, 3], 0, 1, "float32", 4)]);
    const value = (x: Tensor, target: PartialTarget): number =>
      number(lossOf({ compat: "reference-v2" }, x, target).value);
    const withBackground = targetOf(
      [
        [1, 0],
        [0, 0],
      ],
      [
        [1, 1, 1],
        [1, 1, 1],
      ],
    );
    expect(value(both, withBackground)).toBeCloseTo(value(first, target) / 2, 6);
  });

  test("says which shapes disagree", () => {
    expect(() => lossOf({}, zeros([1, 1, 1, 2, 4]), target)).toThrow(
      "marginalLoss: logits and target.oneHot must have the same shape, got [1, 1, 1, 2, 4] and [1, 1, 1, 2, 3].",
    );
    expect(() => lossOf({}, zeros([2, 3]), target)).toThrow(
      "marginalLoss: logits must have rank 5, got rank 2 [2, 3].",
    );
    expect(() => lossOf({}, logits, { ...target, annotated: tensor2d([[1, 0]]) })).toThrow(
      "marginalLoss: target.annotated must have the shape [1, 3], got [1, 2].",
    );
  });

  test("says which option cannot be", () => {
    expect(() => marginalLoss({ compat: "code" as "paper" })).toThrow(
      'marginalLoss: compat must be "paper" or "reference" or "reference-v2", got "code".',
    );
    expect(() => marginalLoss({ diceWeight: Number.NaN })).toThrow(
      "marginalLoss: diceWeight must be a number of at least 0, got NaN.",
    );
    expect(() => marginalLoss({ crossEntropyWeight: -1 })).toThrow(
      "marginalLoss: crossEntropyWeight must be a number of at least 0, got -1.",
    );
    expect(() => marginalLoss({ diceReduction: "none" as "sum" })).toThrow(
      'marginalLoss: diceReduction must be "mean" or "sum", got "none".',
    );
  });
});
