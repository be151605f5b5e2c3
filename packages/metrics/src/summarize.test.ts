import { annotationState } from "@plseg/core";
import { describe, expect, test } from "vitest";
import type { ClassScores } from "./evaluate-case.js";
import { summarize } from "./summarize.js";

/** One case with a Dice score, or none, per class. */
function scoredCase(scores: Record<string, number | null>): ClassScores<"dice">[] {
  return Object.entries(scores).map(([name, dice]) => ({
    class: name,
    state: annotationState(dice !== null, true),
    scores: { dice },
    reason: dice === null ? "unannotated" : null,
    predictedVoxels: 1,
    referenceVoxels: 1,
  }));
}

const cases = [
  scoredCase({ liver: 0.9, spleen: null }),
  scoredCase({ liver: 0.6, spleen: 0.5 }),
  scoredCase({ liver: 0.9, spleen: null }),
  scoredCase({ liver: 0.8, spleen: null }),
];

describe("summarize", () => {
  test("matches values worked out by hand", () => {
    const { classes, foreground } = summarize(cases);
    expect(classes.liver?.dice.mean).toBeCloseTo((0.9 + 0.6 + 0.9 + 0.8) / 4, 12);
    expect(classes.liver?.dice.median).toBeCloseTo((0.8 + 0.9) / 2, 12);
    expect(classes.liver?.dice.cases).toBe(4);
    expect(classes.spleen?.dice).toEqual({ mean: 0.5, median: 0.5, cases: 1, interval: null });
    expect(foreground.dice.mean).toBeCloseTo((0.8 + 0.5) / 2, 12);
    expect(foreground.dice.classes).toBe(2);
  });

  test("has an interval around the mean that the seed repeats and the confidence widens", () => {
    const bounds = (confidence: number, seed = 0): readonly number[] =>
      summarize(cases, { confidence, seed }).classes.liver?.dice.interval ?? [];
    const [low = Number.NaN, high = Number.NaN] = bounds(0.5);
    const [lower = Number.NaN, higher = Number.NaN] = bounds(0.99);
    expect([0.6 <= lower, lower < low, low < 0.8, 0.8 < high, high < higher, higher <= 0.9]).toEqual(
      new Array(6).fill(true),
    );
    expect(bounds(0.5)).toEqual([low, high]);
    expect(summarize(cases, { seed: 1 }).foreground).not.toEqual(summarize(cases, { seed: 2 }).foreground);
  });

  test("covers the mean about as often as it claims", () => {
    // two equally frequent scores: the mean of n draws is normal with deviation 0.5 / √n
    const many = Array.from({ length: 400 }, (_, i) => scoredCase({ liver: i % 2 }));
    const [low = Number.NaN, high = Number.NaN] = summarize(many).classes.liver?.dice.interval ?? [];
    expect(low).toBeCloseTo(0.5 - 1.96 * (0.5 / 20), 2);
    expect(high).toBeCloseTo(0.5 + 1.96 * (0.5 / 20), 2);
  });

  test("counts nothing where nothing has a value", () => {
    const { classes, foreground } = summarize([scoredCase({ liver: null }), scoredCase({ liver: null })]);
    expect(classes.liver?.dice).toEqual({ mean: null, median: null, cases: 0, interval: null });
    expect(foreground.dice).toEqual({ mean: null, classes: 0, interval: null });
    expect(summarize([])).toEqual({ classes: {}, foreground: {} });
  });

  test("refuses impossible options", () => {
    expect(() => summarize(cases, { confidence: 95 })).toThrow(
      "summarize: confidence must lie between 0 and 1, got 95.",
    );
    expect(() => summarize(cases, { resamples: 0 })).toThrow(
      "summarize: resamples must be a positive whole number, got 0.",
    );
  });
});
