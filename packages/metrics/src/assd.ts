import type { Size3D } from "@plseg/core";
import type { Mask } from "./overlap.js";
import { type SurfaceDistances, surfaceDistances } from "./surface-distances.js";

/**
 * Average symmetric surface distance of two masks, in millimeters, pooled over the voxels of both surfaces.
 *
 *     ( Σ_{a ∈ ∂g} d(a, ∂s) + Σ_{a ∈ ∂s} d(a, ∂g) ) / (|∂s| + |∂g|)       s prediction, g reference, ∂ edge voxels
 *
 * This is the `assd` of PLS4MIS. MedPy's is another: the mean of the two directed means.
 *
 * @param shape - Of both masks, `[depth, height, width]`.
 * @param spacing - Millimeters between voxels, in the same order.
 * @returns `null` if a mask is empty. (The reference implementation returns NaN, or the distance to a phantom voxel.)
 * @throws ShapeError if the masks differ in size. @throws ConfigError unless each spacing is positive.
 */
export function assd(prediction: Mask, reference: Mask, shape: Size3D, spacing: Size3D): number | null {
  const distances = surfaceDistances("assd", prediction, reference, shape, spacing);
  return distances && assdOf(distances);
}

/** `assd` from surface distances. */
export function assdOf({ toReference, toPrediction }: SurfaceDistances): number {
  const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
  return (total(toPrediction) + total(toReference)) / (toPrediction.length + toReference.length);
}
