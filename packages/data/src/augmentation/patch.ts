import type { Size3D } from "@plseg/core";

/** A piece of a scan for training. */
export interface Patch {
  /** Intensities in [−1, 1], as `windowIntensity` makes them. */
  readonly image: Float32Array;
  /** Class indices, or any other whole numbers, such as that of voxels to ignore. */
  readonly labels: Int32Array | Uint8Array | Uint16Array;
  /** Voxels along depth, height, width. */
  readonly shape: Size3D;
  /** Millimeters per voxel along depth, height, width. */
  readonly spacing: Size3D;
}

/** A patch for one step of training, of the size that was asked for. */
export interface AugmentedPatch {
  /** Intensities in [−1, 1]. */
  readonly image: Float32Array;
  /** Class indices. */
  readonly labels: Int32Array;
}

/** Value and label of voxels beyond a patch: air, which no organ is. */
export const AIR = -1;
export const BACKGROUND = 0;
