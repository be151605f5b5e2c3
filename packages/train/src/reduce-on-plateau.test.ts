import { describe, expect, test } from "vitest";
import { type PlateauOptions, type PlateauState, reduceOnPlateau } from "./reduce-on-plateau.js";

/** Learning rates after each of some scores. */
function rates(scores: readonly number[], options: PlateauOptions, learningRate = 1): number[] {
  let state: PlateauState = { learningRate, best: Number.NEGATIVE_INFINITY, waited: 0 };
  return scores.map((score) => {
    state = reduceOnPlateau(state, score, options);
    return state.learningRate;
  });
}

describe("reduceOnPlateau", () => {
  test("reduces once more validations than the patience bring nothing, and starts to wait again", () => {
    const scores = [0.5, 0.4, 0.5, 0.4, 0.4, 0.4, 0.4];
    expect(rates(scores, { factor: 0.5, patience: 2 })).toEqual([1, 1, 1, 0.5, 0.5, 0.5, 0.25]);
  });

  test("takes a gain below the threshold for none", () => {
    expect(rates([1, 1.05, 1.2], { factor: 0.5, patience: 0, threshold: 0.1 })).toEqual([1, 0.5, 0.5]);
  });

  test("stays above the least rate, and leaves out reductions that do not matter", () => {
    expect(rates([1, 1, 1], { factor: 0.5, patience: 0, minLearningRate: 0.4 })).toEqual([1, 0.5, 0.4]);
    expect(rates([1, 1], { factor: 0.5, patience: 0, epsilon: 0.6 })).toEqual([1, 1]);
  });

  test("counts a score that is not a number as no progress", () => {
    expect(rates([Number.NaN, Number.NaN], { factor: 0.5, patience: 1 })).toEqual([1, 0.5]);
  });
});
