import { ConfigError, type Volume, type VoxelArray, withDefaults } from "@plseg/core";

/** A CT window, in Hounsfield units. */
export interface IntensityWindow {
  /** Value at the center of the window. It becomes 0. */
  readonly level?: number;
  /** Distance from the lower edge, which becomes −1, to the upper edge, which becomes 1. */
  readonly width?: number;
}

/** The abdominal soft-tissue window: −160 to 240 HU. */
export const INTENSITY_DEFAULTS: Required<IntensityWindow> = { level: 40, width: 400 };

/**
 * Intensities through a window: clip(2 (x − level) / width, −1, 1). Air becomes −1. A value that is not a number becomes
 * −1 as well: scanners mark what lies outside their field of view so. The same rule for every crop of every scan: nothing
 * is computed from the values, so a constant volume is no special case.
 *
 * @param image - A volume, or its voxels, in Hounsfield units.
 * @param target - Where to write, one number per voxel, which may be the image's own voxels; a new array unless told.
 * @throws ConfigError unless the width is positive and the level finite.
 */
export function windowIntensity(
  image: Volume<VoxelArray> | VoxelArray,
  options: IntensityWindow = {},
  target?: Float32Array,
): Float32Array {
  const { level, width } = withDefaults(INTENSITY_DEFAULTS, options);
  if (!(width > 0 && Number.isFinite(width) && Number.isFinite(level)))
    throw new ConfigError(
      `windowIntensity: width must be positive and level finite, got level ${level}, width ${width}.`,
    );
  const voxels = "data" in image ? image.data : image;
  const windowed = target ?? new Float32Array(voxels.length);
  for (let i = 0; i < windowed.length; i++) {
    const value = (2 * ((voxels[i] as number) - level)) / width;
    windowed[i] = value > -1 ? Math.min(value, 1) : -1;
  }
  return windowed;
}
