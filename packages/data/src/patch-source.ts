import { ShapeError, type Size3D, showShape, sizeOf } from "@plseg/core";
import { foregroundPlaces } from "./foreground-places.js";

/** A scan in memory, ready to be sampled. */
export interface SampledCase {
  /** Name of the case, for `sources` of a batch and in messages. */
  readonly id: string;
  /** Intensities in [−1, 1], as `windowIntensity` makes them. */
  readonly image: Float32Array;
  /** Class indices. */
  readonly labels: Uint8Array | Uint16Array;
  /** Voxels along depth, height, width. */
  readonly shape: Size3D;
  /** Millimeters between voxels along depth, height, width, for augmentation; 1 along each unless told. */
  readonly spacing?: Size3D;
  /** Whether each class was annotated in the whole scan, by class index. */
  readonly annotated: readonly boolean[];
}

/** A scan of which parts can be read: what the sampler draws from, wherever the voxels lie. */
export interface PatchSource {
  /** Name of the case. */
  readonly id: string;
  /** Voxels along depth, height, width. */
  readonly shape: Size3D;
  /** Millimeters between voxels along depth, height, width. */
  readonly spacing: Size3D;
  /** Whether each class was annotated in the whole scan, by class index. */
  readonly annotated: readonly boolean[];
  /** By class index: how many places of the class are known; 0 for the background, and where it is unannotated or absent. */
  readonly placeCounts: readonly number[];
  /** A voxel of a class, as its index in memory order; `index` is less than its entry of `placeCounts`. */
  place(label: number, index: number): number;
  /**
   * Copies a box of voxels: intensities in [−1, 1] and class indices, width fastest. The box lies inside the scan.
   *
   * @param origin - First voxel along depth, height, width.
   * @param size - Voxels along depth, height, width.
   */
  read(origin: Size3D, size: Size3D): { readonly image: Float32Array; readonly labels: Uint8Array | Uint16Array };
}

/** A case in memory as a source of patches. @throws ShapeError if the case contradicts itself. */
export function sourceInMemory({ id, image, labels, shape, spacing, annotated }: SampledCase): PatchSource {
  const expected = sizeOf(shape);
  if (image.length !== expected || labels.length !== expected)
    throw new ShapeError(
      `patchSampler: image and labels of ${id} must have ${expected} voxels ${showShape(shape)}, got ${image.length} and ${labels.length}.`,
    );
  const { places } = foregroundPlaces({ id, labels, annotated });
  return {
    id,
    shape,
    spacing: spacing ?? [1, 1, 1],
    annotated,
    placeCounts: places.map((list) => list.length),
    place: (label, index) => places[label]?.[index] ?? 0,
    read: (origin, size) => ({
      image: boxOf(image, shape, origin, size),
      labels: boxOf(labels, shape, origin, size),
    }),
  };
}

/** The voxels of a box, copied row by row. */
function boxOf<Voxels extends Float32Array | Uint8Array | Uint16Array>(
  voxels: Voxels,
  [, height, width]: Size3D,
  origin: Size3D,
  size: Size3D,
): Voxels {
  const box = new (voxels.constructor as new (length: number) => Voxels)(sizeOf(size));
  for (let d = 0; d < size[0]; d++)
    for (let h = 0; h < size[1]; h++) {
      const from = ((d + origin[0]) * height + h + origin[1]) * width + origin[2];
      box.set(voxels.subarray(from, from + size[2]), (d * size[1] + h) * size[2]);
    }
  return box;
}
