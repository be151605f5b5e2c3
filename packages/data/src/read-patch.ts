import { type ClassSet, type Random, type Size3D, sizeOf } from "@plseg/core";
import { applyAugmentation } from "./augmentation/apply-augmentation.js";
import type { AugmentationOptions } from "./augmentation/augmentation-options.js";
import { drawAugmentation } from "./augmentation/draw-augmentation.js";
import { AIR, type AugmentedPatch, BACKGROUND } from "./augmentation/patch.js";
import type { PatchSource } from "./patch-source.js";

/** How {@link readPatch} varies a patch. */
export interface ReadPatchOptions {
  /** Voxels along depth, height, width. */
  readonly patchSize: Size3D;
  /** `{}` means the defaults of `augment`. */
  readonly augmentation: "none" | AugmentationOptions;
  /** Needed only where an augmentation flips left and right. */
  readonly classes?: ClassSet;
}

/** The voxels of a patch, augmented if asked for: then as much is read as this variation needs. */
export function readPatch(
  source: PatchSource,
  origin: Size3D,
  random: Random,
  { patchSize, classes, augmentation }: ReadPatchOptions,
): AugmentedPatch {
  if (augmentation === "none") return cut(source, origin, patchSize);
  const { spacing, annotated } = source;
  const plan = drawAugmentation(random, {
    ...augmentation,
    patchSize,
    spacing,
    annotated,
    ...(classes && { classes }),
  });
  const margin = (axis: 0 | 1 | 2): number => (plan.sourceSize[axis] - patchSize[axis]) / 2;
  const corner: Size3D = [origin[0] - margin(0), origin[1] - margin(1), origin[2] - margin(2)];
  return applyAugmentation({ ...cut(source, corner, plan.sourceSize), shape: plan.sourceSize, spacing }, plan);
}

/** The voxels of a patch: what lies in the scan, and air around it. */
function cut(source: PatchSource, origin: Size3D, patch: Size3D): AugmentedPatch {
  const image = new Float32Array(sizeOf(patch)).fill(AIR);
  const labels = new Int32Array(image.length).fill(BACKGROUND);
  const axes = [0, 1, 2] as const;
  const first = axes.map((axis) => Math.max(0, origin[axis])) as [number, number, number];
  const size = axes.map((axis) => Math.min(origin[axis] + patch[axis], source.shape[axis]) - first[axis]);
  if (size.some((voxels) => voxels <= 0)) return { image, labels };
  const [depth, height, width] = size as [number, number, number];
  const box = source.read(first, [depth, height, width]);
  for (let d = 0; d < depth; d++)
    for (let h = 0; h < height; h++) {
      const row = (d + first[0] - origin[0]) * patch[1] + h + first[1] - origin[1];
      const to = row * patch[2] + first[2] - origin[2];
      const from = (d * height + h) * width;
      image.set(box.image.subarray(from, from + width), to);
      labels.set(box.labels.subarray(from, from + width), to);
    }
  return { image, labels };
}
