import { describe, expect, test } from "vitest";
import { wilcoxonSignedRank } from "./wilcoxon-signed-rank.js";

/** p from all choices of signs of the ranks. */
function byEnumeration(ranks: readonly number[], positive: number): number {
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  const extreme = Math.min(positive, total - positive);
  let count = 0;
  for (let signs = 0; signs < 2 ** ranks.length; signs++) {
    const sum = ranks.reduce((part, rank, i) => part + ((signs >> i) & 1 ? rank : 0), 0);
    if (Math.min(sum, total - sum) <= extreme) count++;
  }
  return count / 2 ** ranks.length;
}

describe("wilcoxonSignedRank", () => {
  test("matches a value worked out by hand", () => {
    // Ranks 1 and 2 are negative: W⁻ = 3 of 15. Sums of at most 3: {}, 1, 2, 3, 1 + 2, so p = 2 · 5 / 32.
    expect(wilcoxonSignedRank([-0.1, -0.2, 0.3, 0.4, 0.5])).toEqual({
      p: 10 / 32,
      positive: 12,
      negative: 3,
      count: 5,
      distribution: "exact",
    });
  });

  test("matches SciPy 1.10's exact and normal p values", () => {
    const few = [0.8, -0.31, 0.52, 1.3, -0.04, 0.77, 0.61, 1.9, 0.2, -0.55];
    expect(wilcoxonSignedRank(few)).toMatchObject({ p: 0.064453125, negative: 9, distribution: "exact" });
    const many = Array.from({ length: 250 }, (_, i) => (((i * 37) % 101) - 40) / 10);
    const { p, negative, count, distribution } = wilcoxonSignedRank(many);
    expect([count, negative, distribution]).toEqual([247, 9921, "normal"]);
    expect(p / 1.6010122364543643e-6).toBeCloseTo(1, 6);
  });

  test("counts every choice of signs of tied ranks", () => {
    // |d| = 1, 1, 1, 2, 2, 3, 4: ranks 2, 2, 2, 4.5, 4.5, 6, 7
    const { p, positive } = wilcoxonSignedRank([1, -1, 1, 2, 2, 0, -3, 4]);
    expect(positive).toBe(20);
    expect(p).toBeCloseTo(byEnumeration([2, 2, 2, 4.5, 4.5, 6, 7], 20), 14);
  });

  test("is the same for the negative of its differences", () => {
    const differences = [3, -1, 4, 1, -5, 9, 2, -6];
    expect(wilcoxonSignedRank(differences.map((d) => -d)).p).toBe(wilcoxonSignedRank(differences).p);
  });

  test("finds nothing where nothing differs, and refuses what is no number", () => {
    expect(wilcoxonSignedRank([0, 0])).toMatchObject({ p: 1, count: 0 });
    expect(wilcoxonSignedRank([])).toMatchObject({ p: 1, count: 0 });
    expect(() => wilcoxonSignedRank([1, Number.NaN])).toThrow("differences must be finite, got NaN.");
  });
});
