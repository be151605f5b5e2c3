export { checkSameGrid, type Grid, gridMismatch } from "./affine.js";
export { type AnnotationManifest, annotatedClasses, readAnnotations, writeAnnotations } from "./annotations.js";
export { applyAugmentation } from "./augmentation/apply-augmentation.js";
export { type AugmentOptions, augment } from "./augmentation/augment.js";
export {
  AUGMENTATION_DEFAULTS,
  type AugmentationOptions,
  type AugmentationSettings,
  augmentationSettings,
} from "./augmentation/augmentation-options.js";
export {
  type AugmentationPlan,
  type DrawAugmentationOptions,
  drawAugmentation,
} from "./augmentation/draw-augmentation.js";
export type { AugmentedPatch, Patch } from "./augmentation/patch.js";
export { type SourceSizeOptions, sourceSize } from "./augmentation/source-size.js";
export type { SpatialTransform } from "./augmentation/spatial-transform.js";
export type { SidePair } from "./augmentation/swap-sides.js";
export { bodyBox } from "./body-box.js";
export { type CanonicalVolume, canonicalGrid, toCanonical } from "./canonical.js";
export { type CleaningRule, type CleanLabelsOptions, cleanLabels } from "./clean-labels.js";
export {
  CONNECTED_COMPONENTS_DEFAULTS,
  type ConnectedComponents,
  type ConnectedComponentsOptions,
  connectedComponents,
} from "./connected-components.js";
export { cropGrid, cropVolume, pasteVolume, type VoxelBox } from "./crop-volume.js";
export type { Fingerprint, FingerprintCase, FingerprintClass, FingerprintIntensity } from "./fingerprint.js";
export { gridWithSpacing } from "./grid-with-spacing.js";
export { hideUnannotated, type MaskAnnotationsOptions, maskAnnotations } from "./mask-annotations.js";
export { type LabelMeasure, measureLabels } from "./measure-labels.js";
export { imageOnModelGrid, labelsOnModelGrid, type ModelGrid, modelGrid } from "./model-grid.js";
export { readLabelNames } from "./nifti-label-names.js";
export {
  type Batch,
  joinPatches,
  PATCH_SAMPLER_DEFAULTS,
  type PatchSampler,
  type PatchSamplerOptions,
  type PatchSampling,
  patchSampler,
  type SampledPatch,
} from "./patch-sampler.js";
export type { PatchSource, SampledCase } from "./patch-source.js";
export {
  makePhantom,
  PHANTOM_DEFAULTS,
  type Phantom,
  type PhantomOptions,
  phantomClasses,
} from "./phantom/make-phantom.js";
export { INTENSITY_PRESETS, type IntensityPreset, type Plan, readPlan, writePlan } from "./plan.js";
export { PLAN_DEFAULTS, type PlanOptions, planFrom } from "./plan-from.js";
export { type NiftiPair, readLabelNifti, readNifti } from "./read-nifti.js";
export { READ_NIFTI_DEFAULTS, type ReadNiftiOptions } from "./read-nifti-options.js";
export { RESAMPLE_DEFAULTS, type ResampleOptions, resample } from "./resample.js";
export { resampleLabels } from "./resample-labels.js";
export { type IntensityRule, scanRange, scanWindow } from "./scan-window.js";
export { INTENSITY_DEFAULTS, type IntensityWindow, windowIntensity } from "./window-intensity.js";
export { WRITE_NIFTI_DEFAULTS, type WriteNiftiOptions, writeNifti } from "./write-nifti.js";
