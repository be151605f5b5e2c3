import { type Overlap, type OverlapMetric, overlap } from "./overlap.js";

/**
 * Relative volume error of two masks, without sign.
 *
 *     | |s| − |g| | / |g|       s prediction, g reference
 *
 * @returns 0 for equal volumes, 1 for an empty prediction, without upper limit; `null` if the reference is empty (the
 * reference implementation fails there).
 * @throws ShapeError if the masks differ in size.
 */
export const relativeVolumeError: OverlapMetric = (prediction, reference, shape) =>
  relativeVolumeErrorOf(overlap("relativeVolumeError", prediction, reference, shape));

/** `relativeVolumeError` from voxel counts. */
export function relativeVolumeErrorOf({ predicted, reference }: Overlap): number | null {
  return reference === 0 ? null : Math.abs(predicted - reference) / reference;
}
