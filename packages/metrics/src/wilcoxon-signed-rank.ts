/** What {@link wilcoxonSignedRank} finds. */
export interface SignedRankTest {
  /** Two-sided: how likely differences at least as one-sided are if their signs are chance. 1 if all are zero. */
  readonly p: number;
  /** Sum of the ranks of the positive differences. */
  readonly positive: number;
  /** Sum of the ranks of the negative differences. */
  readonly negative: number;
  /** Differences that are not zero, which are those that count. */
  readonly count: number;
  /** How `p` was computed. */
  readonly distribution: "exact" | "normal";
}

/** Differences up to which the distribution is computed exactly. */
const EXACT_UP_TO = 200;

/**
 * Wilcoxon's signed-rank test of paired differences: are they centered on zero?
 *
 *     W⁺ = Σ rank(|d|) over d > 0        p = min(1, 2 · min(P(W ≤ W⁺), P(W ≥ W⁺)))
 *
 * Differences of zero are left out and equal ones share the mean of their ranks. Up to 200 differences, `p` is exact, with
 * ties too: every choice of signs counts the same. Above, it is the normal approximation with the variance corrected for
 * ties, without continuity correction.
 *
 * @throws RangeError if a difference is not finite.
 * @see Wilcoxon, Biometrics Bulletin 1(6), 1945. Agrees with SciPy 1.10 `wilcoxon`, where that is exact for the same data.
 */
export function wilcoxonSignedRank(differences: readonly number[]): SignedRankTest {
  const wrong = differences.find((difference) => !Number.isFinite(difference));
  if (wrong !== undefined) throw new RangeError(`wilcoxonSignedRank: differences must be finite, got ${wrong}.`);
  const nonzero = differences.filter((difference) => difference !== 0);
  const ranks = rankOf(nonzero.map(Math.abs));
  let [positive, negative] = [0, 0];
  for (const [i, difference] of nonzero.entries())
    if (difference > 0) positive += ranks[i] as number;
    else negative += ranks[i] as number;
  const exact = nonzero.length <= EXACT_UP_TO;
  const lower = Math.min(positive, negative);
  // The distribution is symmetric: the tail below the smaller sum is the tail above the larger.
  const tail = exact ? exactTail(ranks, lower) : normalTail(ranks, lower);
  return {
    p: Math.min(1, 2 * tail),
    positive,
    negative,
    count: nonzero.length,
    distribution: exact ? "exact" : "normal",
  };
}

/** Ranks from 1; equal values share the mean of theirs. */
function rankOf(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Array<number>(values.length);
  for (let first = 0, next = 0; first < order.length; first = next) {
    const value = values[order[first] as number];
    while (next < order.length && values[order[next] as number] === value) next++;
    for (let i = first; i < next; i++) ranks[order[i] as number] = (first + next + 1) / 2;
  }
  return ranks;
}

/** P(W ≤ w), W the sum of a random half of the ranks. Ranks are doubled, so that those of ties are whole numbers. */
function exactTail(ranks: readonly number[], w: number): number {
  const probability = new Float64Array(2 * w + 1); // of each doubled sum up to w
  probability[0] = 1;
  for (const rank of ranks)
    for (let sum = 2 * w; sum >= 0; sum--)
      probability[sum] = ((probability[sum] as number) + (probability[sum - 2 * rank] ?? 0)) / 2;
  return probability.reduce((total, p) => total + p, 0);
}

/** P(W ≤ w) for the normal distribution of the same mean and variance. */
function normalTail(ranks: readonly number[], w: number): number {
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / 2;
  const variance = ranks.reduce((sum, rank) => sum + rank * rank, 0) / 4;
  return complementaryErrorFunction((mean - w) / Math.sqrt(2 * variance)) / 2;
}

/**
 * erfc(x) for x ≥ 0, with a relative error below 1.2e-7.
 *
 * @see Press et al., Numerical Recipes, 2nd edition, section 6.2 (`erfcc`).
 */
function complementaryErrorFunction(x: number): number {
  const t = 1 / (1 + x / 2);
  const COEFFICIENTS = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
  ];
  return t * Math.exp(-x * x + COEFFICIENTS.reduceRight((sum, coefficient) => sum * t + coefficient, 0));
}
