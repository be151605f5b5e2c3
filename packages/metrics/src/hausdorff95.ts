import type { Size3D } from "@plseg/core";
import type { Mask } from "./overlap.js";
import { type SurfaceDistances, surfaceDistances } from "./surface-distances.js";

/**
 * 95th percentile of the Hausdorff distance of two masks, in millimeters: of the distances of both directions pooled in
 * one list, interpolated linearly between ranks.
 *
 *     P95( { d(a, ∂g) : a ∈ ∂s } ∪ { d(a, ∂s) : a ∈ ∂g } )       s prediction, g reference, ∂ edge voxels
 *
 * This is MedPy's `hd95`, which PLS4MIS reports. MONAI's and DeepMind's is another: the larger of the two directed
 * percentiles.
 *
 * @param shape - Of both masks, `[depth, height, width]`.
 * @param spacing - Millimeters between voxels, in the same order.
 * @returns `null` if a mask is empty. (The reference implementation says 0, which is a perfect score.)
 * @throws ShapeError if the masks differ in size. @throws ConfigError unless each spacing is positive.
 */
export function hausdorff95(prediction: Mask, reference: Mask, shape: Size3D, spacing: Size3D): number | null {
  const distances = surfaceDistances("hausdorff95", prediction, reference, shape, spacing);
  return distances && hausdorff95Of(distances);
}

/** `hausdorff95` from surface distances. */
export function hausdorff95Of({ toReference, toPrediction }: SurfaceDistances): number {
  const pooled = new Float64Array(toReference.length + toPrediction.length);
  pooled.set(toReference);
  pooled.set(toPrediction, toReference.length);
  return quantile(pooled.sort(), 0.95);
}

/** Quantile of sorted values, interpolated linearly: the value at rank `fraction · (n − 1)`. */
export function quantile(sorted: ArrayLike<number>, fraction: number): number {
  const rank = fraction * (sorted.length - 1);
  const below = Math.floor(rank);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[below + 1] ?? low;
  return low + (high - low) * (rank - below);
}
