import { OVERLAP_SMOOTH, type Overlap, type OverlapMetric, overlap } from "./overlap.js";

/**
 * Dice score of two masks.
 *
 *     (2 |s ∧ g| + ε) / (|s| + |g| + ε)       s prediction, g reference, ε = 1e-5 (`OVERLAP_SMOOTH`)
 *
 * @returns A score in (0, 1]; practically 0 (ε / n) if one mask is empty, and `null` if both are: then there was nothing
 * to find and nothing was found, which is no score of a segmentation. (The reference implementation says 1.)
 * @throws ShapeError if the masks differ in size.
 * @see Dice, Ecology 26, 1945.
 */
export const dice: OverlapMetric = (prediction, reference, shape) =>
  diceOf(overlap("dice", prediction, reference, shape));

/** `dice` from voxel counts. */
export function diceOf({ predicted, reference, shared }: Overlap): number | null {
  if (predicted + reference === 0) return null;
  return (2 * shared + OVERLAP_SMOOTH) / (predicted + reference + OVERLAP_SMOOTH);
}
