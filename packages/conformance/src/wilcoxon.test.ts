import { Random } from "@plseg/core";
import { wilcoxonSignedRank } from "@plseg/metrics";
import { describe, expect, test } from "vitest";
import { pythonWith } from "./python.js";

const python = pythonWith(["scipy"], "python3-scipy");

/** Differences without ties or zeros, for which SciPy's exact distribution is defined, and coarse ones with both. */
function drawDifferences(count: number, digits: number): number[] {
  const random = Random.of("wilcoxon", count, digits);
  return Array.from({ length: count }, () => Number((random.normal() + 0.3).toFixed(digits)));
}

describe.skipIf(!python)("wilcoxonSignedRank", () => {
  const few = [3, 5, 8, 13, 24, 50].map((count) => drawDifferences(count, 9));
  // above 200 that are not zero, where ours is normal too
  const many = [260, 400].map((count) => drawDifferences(count, 1));

  test("agrees with SciPy, exactly for few differences and in the normal approximation for many", () => {
    const answers = python?.("peers/wilcoxon.py", JSON.stringify({ exact: few, approx: many })) as Record<
      "exact" | "approx",
      [statistic: number, p: number][]
    >;
    const ours = [...few, ...many].map(wilcoxonSignedRank);
    const theirs = [...answers.exact, ...answers.approx];
    expect(ours.map(({ positive, negative }) => Math.min(positive, negative))).toEqual(theirs.map(([w]) => w));
    for (const [i, { p }] of ours.entries()) expect(p / (theirs[i]?.[1] ?? Number.NaN)).toBeCloseTo(1, 6);
  });
});
