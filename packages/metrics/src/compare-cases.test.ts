import { annotationState } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { compareCases } from "./compare-cases.js";
import type { ClassScores } from "./evaluate-case.js";

type Scores = Readonly<Record<string, readonly [dice: number | null, hd95: number | null]>>;

function scoredCase(scores: Scores): ClassScores<"dice" | "hd95">[] {
  return Object.entries(scores).map(([name, [dice, hd95]]) => ({
    class: name,
    state: annotationState(dice !== null, true),
    scores: { dice, hd95 },
    reason: dice === null ? "unannotated" : null,
    predictedVoxels: 1,
    referenceVoxels: 1,
  }));
}

const first = [
  scoredCase({ liver: [0.9, 2], spleen: [null, null] }),
  scoredCase({ liver: [0.8, 5], spleen: [0.5, 4] }),
  scoredCase({ liver: [0.75, 3], spleen: [0.25, null] }),
];
const second = [
  scoredCase({ liver: [0.65, 4], spleen: [null, null] }),
  scoredCase({ liver: [0.8, 3], spleen: [0.75, 2] }),
  scoredCase({ liver: [0.25, 6], spleen: [0.5, 9] }),
];

describe("compareCases", () => {
  test("matches values worked out by hand, only where both have a score", () => {
    const { classes, foreground } = compareCases(first, second);
    const { liver, spleen } = classes;
    expect(liver?.dice.differences.map((d) => d?.toFixed(12))).toEqual(
      [0.25, 0, 0.5].map((difference) => difference.toFixed(12)),
    );
    expect(liver?.dice).toMatchObject({
      mean: 0.25,
      median: expect.closeTo(0.25, 12),
      ...{ pairs: 3, unpaired: 0, better: 2, worse: 0 },
      // both non-zero differences are positive: 2 of 4 choices of signs are as one-sided
      ...{ p: 0.5, pHolm: 1 },
    });
    expect(spleen?.dice).toMatchObject({
      mean: -0.25,
      differences: [null, -0.25, -0.25],
      pairs: 2,
      better: 0,
      worse: 2,
    });
    expect(foreground.dice).toMatchObject({ mean: 0, classes: 2 });
    // millimeters: less is better; the third spleen has a distance in one of the two only
    expect(liver?.hd95).toMatchObject({ mean: -1, better: 2, worse: 1 });
    expect(spleen?.hd95).toMatchObject({ mean: 2, interval: null, pairs: 1, unpaired: 1, better: 0, worse: 1, p: 1 });
  });

  test("has intervals that the seed repeats", () => {
    const at = (seed: number): unknown => compareCases(first, second, { seed }).classes.liver?.dice.interval;
    expect(at(3)).toEqual(at(3));
    const [low, high] = at(3) as [number, number];
    expect([low >= 0, low <= 0.25, high >= 0.25, high <= 0.5]).toEqual([true, true, true, true]);
  });

  test("turns its signs when the two change places", () => {
    const [there, back] = [compareCases(first, second), compareCases(second, first)];
    expect(back.classes.liver?.dice).toMatchObject({
      mean: -0.25,
      better: 0,
      worse: 2,
      p: there.classes.liver?.dice.p,
    });
  });

  test("refuses other numbers of cases and impossible options", () => {
    expect(() => compareCases(first, second.slice(1))).toThrow("got 3 and 2 cases");
    expect(() => compareCases(first, second, { confidence: 2 })).toThrow(
      "compareCases: confidence must lie between 0 and 1, got 2.",
    );
  });
});
