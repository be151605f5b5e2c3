import { ConfigError, type Size3D, showShape } from "@plseg/core";
import { squaredDistances } from "./distance-transform.js";
import { checkMasks, type Mask } from "./overlap.js";

/**
 * Distances between the surfaces of two masks, in millimeters.
 *
 * The surface of a mask are its edge voxels: those of which at least one of the six face neighbors is not in the mask.
 * What lies beyond the volume is not in the mask.
 */
export interface SurfaceDistances {
  /** From each surface voxel of the prediction to the nearest surface voxel of the reference. */
  readonly toReference: Float64Array;
  /** From each surface voxel of the reference to the nearest surface voxel of the prediction. */
  readonly toPrediction: Float64Array;
}

/** A part of a volume: from the voxel `low` to the voxel `high`, both included, in `[depth, height, width]` order. */
export interface Box {
  readonly low: Size3D;
  readonly high: Size3D;
}

/**
 * Distances between the surfaces of two masks, by exact distance transforms of the smallest box that holds both masks.
 *
 * @param shape - Of both masks, `[depth, height, width]`.
 * @param spacing - Millimeters between voxels, in the same order.
 * @returns `null` if a mask is empty: there is no distance to a surface that does not exist.
 * @throws ShapeError if the masks differ in size. @throws ConfigError unless each spacing is positive.
 */
export function surfaceDistances(
  where: string,
  prediction: Mask,
  reference: Mask,
  shape: Size3D,
  spacing: Size3D,
): SurfaceDistances | null {
  checkMasks(where, prediction, reference, shape);
  checkSpacing(where, spacing);
  const box = boundingBox(shape, (voxel) => Boolean(prediction[voxel] || reference[voxel]));
  if (!box) return null;
  const size = boxSize(box);
  return boxedSurfaceDistances(crop(prediction, shape, box), crop(reference, shape, box), size, spacing);
}

/** `surfaceDistances` of masks that are cropped to a box that holds both. */
export function boxedSurfaceDistances(
  prediction: Uint8Array,
  reference: Uint8Array,
  shape: Size3D,
  spacing: Size3D,
): SurfaceDistances | null {
  const predictionSurface = surfaceVoxels(prediction, shape);
  const referenceSurface = surfaceVoxels(reference, shape);
  if (!predictionSurface.includes(1) || !referenceSurface.includes(1)) return null;
  return {
    toReference: squaredDistances(referenceSurface, predictionSurface, shape, spacing).map(Math.sqrt),
    toPrediction: squaredDistances(predictionSurface, referenceSurface, shape, spacing).map(Math.sqrt),
  };
}

/** 1 at the edge voxels of a mask, else 0. */
export function surfaceVoxels(mask: Uint8Array, [depth, height, width]: Size3D): Uint8Array {
  const surface = new Uint8Array(mask.length);
  const plane = height * width;
  let v = 0;
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, v++) {
        if (!mask[v]) continue;
        const inner =
          x > 0 &&
          x < width - 1 &&
          y > 0 &&
          y < height - 1 &&
          z > 0 &&
          z < depth - 1 &&
          mask[v - 1] &&
          mask[v + 1] &&
          mask[v - width] &&
          mask[v + width] &&
          mask[v - plane] &&
          mask[v + plane];
        if (!inner) surface[v] = 1;
      }
  return surface;
}

/** A mask inside a box, 0 or 1, flattened in the same order: where `labels` is `label`, or is not 0 if there is none. */
export function crop(labels: Mask, shape: Size3D, { low, high }: Box, label?: number): Uint8Array {
  const [depth, height, width] = boxSize({ low, high });
  const cropped = new Uint8Array(depth * height * width);
  let i = 0;
  for (let z = low[0]; z <= high[0]; z++)
    for (let y = low[1]; y <= high[1]; y++) {
      const start = (z * shape[1] + y) * shape[2] + low[2];
      for (let v = start; v < start + width; v++, i++)
        if (label === undefined ? labels[v] : labels[v] === label) cropped[i] = 1;
    }
  return cropped;
}

/** Voxels along each side of a box. */
export function boxSize({ low, high }: Box): Size3D {
  return [high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1];
}

/** @throws ConfigError unless each spacing is positive and finite. */
export function checkSpacing(where: string, spacing: Size3D): void {
  if (spacing.every((mm) => mm > 0 && Number.isFinite(mm))) return;
  throw new ConfigError(`${where}: spacing must be positive millimeters, got ${showShape(spacing)}.`);
}

function boundingBox([depth, height, width]: Size3D, inside: (voxel: number) => boolean): Box | null {
  const low: [number, number, number] = [depth, height, width];
  const high: [number, number, number] = [-1, -1, -1];
  let v = 0;
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        if (!inside(v++)) continue;
        if (z < low[0]) low[0] = z;
        if (y < low[1]) low[1] = y;
        if (x < low[2]) low[2] = x;
        if (z > high[0]) high[0] = z;
        if (y > high[1]) high[1] = y;
        if (x > high[2]) high[2] = x;
      }
  return high[0] < 0 ? null : { low, high };
}
