import { OVERLAP_SMOOTH, type Overlap, type OverlapMetric, overlap } from "./overlap.js";

/**
 * Intersection over union (Jaccard index) of two masks.
 *
 *     (|s ∧ g| + ε) / (|s ∨ g| + ε)       s prediction, g reference, ε = 1e-5 (`OVERLAP_SMOOTH`)
 *
 * @returns A score in (0, 1]; practically 0 (ε / n) if one mask is empty, and `null` if both are. (The reference
 * implementation says 1.)
 * @throws ShapeError if the masks differ in size.
 * @see Jaccard, New Phytologist 11, 1912.
 */
export const iou: OverlapMetric = (prediction, reference, shape) => iouOf(overlap("iou", prediction, reference, shape));

/** `iou` from voxel counts. */
export function iouOf({ predicted, reference, shared }: Overlap): number | null {
  const union = predicted + reference - shared;
  return union === 0 ? null : (shared + OVERLAP_SMOOTH) / (union + OVERLAP_SMOOTH);
}
