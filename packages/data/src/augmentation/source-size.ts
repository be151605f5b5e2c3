import type { Size3D } from "@plseg/core";
import { type AugmentationOptions, augmentationSettings } from "./augmentation-options.js";
import { coarseAxes } from "./draw-augmentation.js";

/** Options of {@link sourceSize}. */
export interface SourceSizeOptions extends AugmentationOptions {
  /** Millimeters per voxel along depth, height, width. */
  readonly spacing: Size3D;
}

/**
 * Voxels to read around a patch so that no draw shows a border: a bound on `sourceSize` of every plan of `drawAugmentation`.
 *
 * For nnU-Net's rotations and scalings it is large, two and a half times the patch along each axis, and rarely needed: most
 * draws need no more than the patch. Where reading costs, draw the plan first and read what it asks for.
 *
 * @throws ConfigError if a setting is out of range.
 */
export function sourceSize(patchSize: Size3D, options: SourceSizeOptions): Size3D {
  const { spacing, ...transforms } = options;
  const { rotate, scale, elastic } = augmentationSettings(transforms);
  const coarse = coarseAxes(spacing);
  const shrink = scale.probability > 0 ? Math.min(scale.factor[0], 1) : 1;
  const angle = rotate.probability > 0 ? Math.min((rotate.degrees * Math.PI) / 180, Math.PI / 2) : 0;
  const moved = elastic.probability > 0 ? elastic.amplitude : 0;
  const half = patchSize.map((n, axis) => (((n - 1) / 2) * (spacing[axis] as number)) / (coarse[axis] ? 1 : shrink));
  const size = (i: 0 | 1 | 2): number => {
    // What is coarse is never mixed with others.
    const others = ([0, 1, 2] as const).filter((j) => j !== i && !coarse[i] && !coarse[j]);
    const own = half[i] as number;
    const sides = others.map((j) => half[j] as number);
    // An entry of a product of three rotations off its diagonal is at most sin θ (1 + sin θ), and a row has length 1.
    const turned = own + Math.sin(angle) * (1 + Math.sin(angle)) * sides.reduce((sum, side) => sum + side, 0);
    const reach = (Math.min(turned, Math.hypot(own, ...sides)) + moved) / spacing[i];
    return patchSize[i] + 2 * Math.max(0, Math.ceil(reach - (patchSize[i] - 1) / 2 - 1e-6));
  };
  return [size(0), size(1), size(2)];
}
