import { Random, ShapeError, showShape, sizeOf } from "@plseg/core";
import { addNoise } from "./add-noise.js";
import { adjustGamma } from "./adjust-gamma.js";
import { blur } from "./blur.js";
import type { AugmentationPlan } from "./draw-augmentation.js";
import type { AugmentedPatch, Patch } from "./patch.js";
import { resamplePatch } from "./resample-patch.js";
import { scaleBrightness } from "./scale-brightness.js";
import { scaleContrast } from "./scale-contrast.js";
import { simulateLowResolution } from "./simulate-low-resolution.js";
import { swapSides } from "./swap-sides.js";

/**
 * Does what a plan says to the middle of a patch. A patch smaller than the plan's `sourceSize` is continued with air labeled
 * as background. Values are clipped to [−1, 1], as the window clips those of a scan. The patch is left as it is.
 *
 * @throws ShapeError if the patch contradicts its shape.
 */
export function applyAugmentation(patch: Patch, plan: AugmentationPlan): AugmentedPatch {
  const voxels = sizeOf(patch.shape);
  if (patch.image.length !== voxels || patch.labels.length !== voxels)
    throw new ShapeError(
      `augment: image and labels must have ${voxels} voxels ${showShape(patch.shape)}, got ${patch.image.length} and ${patch.labels.length}.`,
    );
  const { patchSize, noise } = plan;
  const { image: resampled, labels } = resamplePatch(patch, patchSize, plan.spatial);
  swapSides(labels, plan.swap);
  let image = resampled;
  if (noise) image = addNoise(image, noise.deviation, Random.of("noise", noise.seed));
  if (plan.blur !== undefined) image = blur(image, patchSize, plan.blur);
  if (plan.brightness !== undefined) image = scaleBrightness(image, plan.brightness);
  if (plan.contrast !== undefined) image = scaleContrast(image, plan.contrast);
  if (plan.lowResolution) image = simulateLowResolution(image, patchSize, plan.lowResolution);
  if (plan.invertedGamma !== undefined) image = adjustGamma(image, plan.invertedGamma, true);
  if (plan.gamma !== undefined) image = adjustGamma(image, plan.gamma, false);
  if (image !== resampled)
    for (let i = 0; i < image.length; i++) image[i] = Math.min(Math.max(image[i] as number, -1), 1);
  return { image, labels };
}
