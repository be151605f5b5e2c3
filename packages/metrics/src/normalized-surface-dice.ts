import { ConfigError, type Size3D } from "@plseg/core";
import { type Mask, overlap } from "./overlap.js";
import { type SurfaceDistances, surfaceDistances } from "./surface-distances.js";

/** The tolerance in millimeters that TotalSegmentator uses (Wasserthal et al. 2023). */
export const DEFAULT_TOLERANCE = 3;

/**
 * Normalized surface Dice of two masks: which part of both surfaces lies within a tolerance of the other.
 *
 *     ( |{ a ∈ ∂s : d(a, ∂g) ≤ τ }| + |{ a ∈ ∂g : d(a, ∂s) ≤ τ }| ) / (|∂s| + |∂g|)       s prediction, g reference
 *
 * Surfaces are counted in edge voxels, as MONAI's `compute_surface_dice` does by default. DeepMind's `surface-distance`
 * weighs by the area of a triangulated surface and differs a little.
 *
 * @param shape - Of both masks, `[depth, height, width]`.
 * @param spacing - Millimeters between voxels, in the same order.
 * @param tolerance - τ in millimeters.
 * @returns A score in [0, 1]; 0 if one mask is empty, `null` if both are.
 * @throws ShapeError if the masks differ in size. @throws ConfigError unless each spacing is positive and the tolerance
 * is not negative.
 * @see Nikolov et al., J Med Internet Res 23, 2021, https://arxiv.org/abs/1809.04430.
 */
export function normalizedSurfaceDice(
  prediction: Mask,
  reference: Mask,
  shape: Size3D,
  spacing: Size3D,
  tolerance: number = DEFAULT_TOLERANCE,
): number | null {
  checkTolerance("normalizedSurfaceDice", tolerance);
  const distances = surfaceDistances("normalizedSurfaceDice", prediction, reference, shape, spacing);
  if (distances) return normalizedSurfaceDiceOf(distances, tolerance);
  const { predicted, reference: referenced } = overlap("normalizedSurfaceDice", prediction, reference);
  return predicted + referenced === 0 ? null : 0;
}

/** `normalizedSurfaceDice` from surface distances. */
export function normalizedSurfaceDiceOf({ toReference, toPrediction }: SurfaceDistances, tolerance: number): number {
  const near = (values: Float64Array): number =>
    values.reduce((count, value) => (value <= tolerance ? count + 1 : count), 0);
  return (near(toReference) + near(toPrediction)) / (toReference.length + toPrediction.length);
}

/** @throws ConfigError unless the tolerance is a number of millimeters that is not negative. */
export function checkTolerance(where: string, tolerance: number): void {
  if (tolerance >= 0) return;
  throw new ConfigError(`${where}: tolerance must be 0 mm or more, got ${tolerance}.`);
}
