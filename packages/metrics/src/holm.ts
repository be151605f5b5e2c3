/**
 * Holm's correction of p values for being several: with it, the chance of any false finding among them stays below the level
 * at which each is read.
 *
 *     p̃₍ᵢ₎ = max over j ≤ i of min(1, (m − j + 1) · p₍ⱼ₎)        p₍₁₎ ≤ … ≤ p₍ₘ₎
 *
 * @param pValues - `null` where there was no test: it does not count.
 * @returns In the order given, `null` where `null` was given.
 * @see Holm, Scandinavian Journal of Statistics 6(2), 1979.
 */
export function holm(pValues: readonly (number | null)[]): (number | null)[] {
  const tested = pValues.flatMap((p, i) => (p === null ? [] : [{ p, i }])).sort((a, b) => a.p - b.p);
  const adjusted: (number | null)[] = pValues.map(() => null);
  let highest = 0;
  for (const [rank, { p, i }] of tested.entries()) {
    highest = Math.max(highest, Math.min(1, (tested.length - rank) * p));
    adjusted[i] = highest;
  }
  return adjusted;
}
