import { ShapeError, type Size3D, showShape, sizeOf } from "@plseg/core";

/** A binary mask, voxel by voxel in the order of a `Volume`: 0 is outside, everything else inside. */
export type Mask = ArrayLike<number>;

/** A metric that needs the masks only. `shape` and `spacing` may be given, so that all metrics can be called alike. */
export type OverlapMetric = (prediction: Mask, reference: Mask, shape?: Size3D, spacing?: Size3D) => number | null;

/**
 * How two masks overlap, in voxels.
 *
 * `predicted` = |s|, `reference` = |g| and `shared` = |s ∧ g| of the prediction s and the reference g.
 */
export interface Overlap {
  readonly predicted: number;
  readonly reference: number;
  readonly shared: number;
}

/** Added to the numerator and the denominator of Dice and IoU, as the reference implementation does. */
export const OVERLAP_SMOOTH = 1e-5;

/** Counts the voxels of two masks. @throws ShapeError unless the masks have the same size, that of `shape` if given. */
export function overlap(where: string, prediction: Mask, reference: Mask, shape?: Size3D): Overlap {
  checkMasks(where, prediction, reference, shape);
  let [predicted, referenced, shared] = [0, 0, 0];
  for (let v = 0; v < reference.length; v++) {
    const inPrediction = prediction[v] ? 1 : 0;
    const inReference = reference[v] ? 1 : 0;
    predicted += inPrediction;
    referenced += inReference;
    shared += inPrediction & inReference;
  }
  return { predicted, reference: referenced, shared };
}

/** @throws ShapeError unless the masks have the same size, that of `shape` if given. */
export function checkMasks(where: string, prediction: Mask, reference: Mask, shape?: Size3D): void {
  if (prediction.length !== reference.length)
    throw new ShapeError(
      `${where}: prediction and reference must have the same number of voxels, got ${prediction.length} and ${reference.length}.`,
    );
  if (shape && sizeOf(shape) !== reference.length)
    throw new ShapeError(
      `${where}: masks of shape ${showShape(shape)} must have ${sizeOf(shape)} voxels, got ${reference.length}.`,
    );
}
