/** exp(−5 (1 − t/length)²), t clipped to [0, length]; 1 if `length` is 0. Laine & Aila, Temporal Ensembling, ICLR 2017. */
export function sigmoidRampup(current: number, length: number): number {
  if (length === 0) return 1;
  const phase = 1 - Math.min(Math.max(current, 0), length) / length;
  return Math.exp(-5 * phase * phase);
}

/** t/length for t < length, else 1. */
export function linearRampup(current: number, length: number): number {
  return current >= length ? 1 : Math.max(current, 0) / length;
}

/**
 * (cos(π t/length) + 1)/2, from 1 at 0 to 0 at `length`.
 *
 * @throws RangeError unless 0 ≤ t ≤ length.
 */
export function cosineRampdown(current: number, length: number): number {
  if (!(current >= 0 && current <= length))
    throw new RangeError(`cosineRampdown: current must lie in [0, ${length}], got ${current}.`);
  return (Math.cos((Math.PI * current) / length) + 1) / 2;
}
