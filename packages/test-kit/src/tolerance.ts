/** How far values may be off: absolutely, relative to the largest reference value, and each relative to its own. */
export interface Tolerance {
  readonly absolute?: number;
  readonly ofMax?: number;
  readonly relative?: number;
}

/** Largest |a − b|; infinite if the lengths differ or one value is NaN. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

/** @throws Error that names the worst element unless every value is within `absolute + ofMax·max|e| + relative·|e|`. */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number | bigint>,
  { absolute = 0, ofMax = 0, relative = 0 }: Tolerance,
): void {
  if (actual.length !== expected.length)
    throw new Error(`${what}: expected ${expected.length} values, got ${actual.length}.`);
  let max = 0;
  for (let i = 0; i < expected.length; i++) max = Math.max(max, Math.abs(Number(expected[i])));
  for (let i = 0; i < expected.length; i++) {
    const want = Number(expected[i]);
    const got = Number(actual[i]);
    const allowed = absolute + ofMax * max + relative * Math.abs(want);
    if (!(Math.abs(got - want) <= allowed))
      throw new Error(`${what}: value ${i} of ${expected.length} is ${got}, expected ${want} ± ${allowed}.`);
  }
}
