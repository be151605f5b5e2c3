import type { Random } from "@plseg/core";
import { applyAugmentation } from "./apply-augmentation.js";
import { type DrawAugmentationOptions, drawAugmentation } from "./draw-augmentation.js";
import type { AugmentedPatch, Patch } from "./patch.js";

/** Options of {@link augment}. */
export type AugmentOptions = Omit<DrawAugmentationOptions, "spacing">;

/**
 * A random variation of a training patch: one resampling of image and labels together, then changes of the image alone.
 *
 * Flip, rotation, scaling and elastic deformation act as one; then noise, blur, brightness, contrast, low resolution and
 * gamma, each with its own probability, in nnU-Net's order. The same state of `random` gives the same result.
 *
 * @param patch - Of size `patchSize`, or larger by a margin on all sides that shows up where the anatomy is turned or
 *   shrunk: {@link sourceSize} for any draw. Beyond it is air (−1), labeled background. It is left as it is.
 * @returns Of size `patchSize`, from the middle of the patch.
 * @throws ConfigError if a setting is out of range; ShapeError if the patch contradicts its shape.
 * @see Isensee et al., Nature Methods 2021, supplementary note 4.
 */
export function augment(patch: Patch, random: Random, options: AugmentOptions): AugmentedPatch {
  return applyAugmentation(patch, drawAugmentation(random, { ...options, spacing: patch.spacing }));
}
