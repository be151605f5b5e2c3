import {
  type ClassSet,
  ConfigError,
  Random,
  ResourceError,
  ShapeError,
  type Size3D,
  showShape,
  sizeOf,
  withDefaults,
} from "@plseg/core";
import type { AugmentationOptions } from "./augmentation/augmentation-options.js";
import { patchDraws } from "./patch-draws.js";
import { type PatchSource, type SampledCase, sourceInMemory } from "./patch-source.js";
import { readPatch } from "./read-patch.js";

/** How patches are drawn. */
export interface PatchSampling {
  /** Patches per batch. */
  readonly batch?: number;
  /** The same seed draws the same patches. */
  readonly seed?: number;
  /** Part of the patches drawn around a voxel of an annotated class. nnU-Net's `oversample_foreground_percent`. */
  readonly foreground?: number;
  /** How patches are varied (see `augment`); `{}` means its defaults. */
  readonly augmentation?: "none" | AugmentationOptions;
}

/** Options of {@link patchSampler}. */
export interface PatchSamplerOptions extends PatchSampling {
  /** The scans to draw from, in memory or anywhere else; all with the same classes. */
  readonly cases: readonly (SampledCase | PatchSource)[];
  /** Voxels along depth, height, width. */
  readonly patchSize: Size3D;
  /** The classes by name. Needed only where an augmentation flips left and right. */
  readonly classes?: ClassSet;
}

/** What {@link patchSampler} uses where an option is missing. */
export const PATCH_SAMPLER_DEFAULTS: Required<PatchSampling> = {
  batch: 1,
  seed: 0,
  foreground: 1 / 3,
  augmentation: "none",
};

/** One of the patches of a batch. */
export interface SampledPatch {
  /** `[depth, height, width]`, in [−1, 1]. */
  readonly image: Float32Array;
  /** `[depth, height, width]`, class indices. */
  readonly labels: Int32Array;
  /** By class index: 1 where the class was annotated in the whole scan, else 0. */
  readonly annotated: readonly number[];
  /** By class index: 1 where the patch holds a voxel of the class, else 0. */
  readonly seen: readonly number[];
  /** The case, and the voxel of the first corner, which is negative where a patch is padded. */
  readonly source: { readonly id: string; readonly origin: Size3D };
}

/** Patches for one step. */
export interface Batch {
  /** `[batch, depth, height, width]`, in [−1, 1]. */
  readonly image: Float32Array;
  /** `[batch, depth, height, width]`, class indices. */
  readonly labels: Int32Array;
  /** `[batch, class]`, 1 where the class was annotated in the whole scan, else 0. */
  readonly annotated: Float32Array;
  /** `[class]`: in how many of the patches there is a voxel of the class. */
  readonly seen: readonly number[];
  /** Where each patch was taken: the case, and the voxel of its first corner, which is negative where a patch is padded. */
  readonly sources: readonly SampledPatch["source"][];
}

/** A source of patches, made by {@link patchSampler}. */
export interface PatchSampler {
  /** The batch of a step. It depends on seed and step only, so a resumed training sees the same batches. */
  sample(step: number): Batch;
  /** The `n`-th patch of that batch. */
  patch(step: number, n: number): SampledPatch;
  /** Where that patch is taken. Its voxels are not read. */
  source(step: number, n: number): SampledPatch["source"];
}

/** Most voxels of a batch: 2²⁹ are 4 GiB of image and labels. */
const MAX_BATCH_VOXELS = 2 ** 29;

/**
 * Draws patches. The `foreground` part of them lies around a voxel of an annotated class, the classes in turn over all
 * cases (see `patchDraws`): a class that few cases annotate has its turn as often as the others, and a small organ as
 * often as a large one. The voxel falls somewhere into the middle half of the patch, unless the border of the scan is
 * near. The rest come from all cases in turn and lie anywhere.
 *
 * Along an axis where the scan is smaller than the patch, the patch holds the scan whole, at a random place, and is filled
 * with air (−1) labeled as background: what lies outside a scan is outside the body as far as the network can tell.
 *
 * @throws ConfigError if there is no case, or an option is out of range; ShapeError if a case contradicts itself or
 *   the others; ResourceError if a batch cannot be held in memory.
 */
export function patchSampler(options: PatchSamplerOptions): PatchSampler {
  const { cases, patchSize } = options;
  const { batch, seed, foreground, augmentation } = withDefaults<PatchSampling>(PATCH_SAMPLER_DEFAULTS, options);
  checkOptions(patchSize, batch, foreground, cases.length);
  const sources = cases.map((entry) => ("read" in entry ? entry : sourceInMemory(entry)));
  checkClasses(sources);
  const draw = patchDraws(sources, { batch, seed, foreground, patchSize });

  const patch = (step: number, n: number): SampledPatch => {
    const { source: index, origin } = draw(step, n);
    const source = sources[index] as PatchSource;
    const { image, labels } = readPatch(source, origin, Random.of("augment", seed, step, n), {
      ...options,
      augmentation,
    });
    const seen = source.annotated.map(() => 0);
    for (const label of labels) seen[label] = 1;
    return { image, labels, annotated: source.annotated.map(Number), seen, source: { id: source.id, origin } };
  };
  return {
    patch,
    source(step, n) {
      const { source, origin } = draw(step, n);
      return { id: sources[source]?.id ?? "", origin };
    },
    sample(step) {
      if (!(Number.isInteger(step) && step >= 0))
        throw new ConfigError(`patchSampler: step must be a whole number of at least 0, got ${step}.`);
      return joinPatches(Array.from({ length: batch }, (_, n) => patch(step, n)));
    },
  };
}

/** The batch of these patches. */
export function joinPatches(patches: readonly SampledPatch[]): Batch {
  const voxels = patches[0]?.image.length ?? 0;
  const classes = patches[0]?.seen.length ?? 0;
  const image = new Float32Array(patches.length * voxels);
  const labels = new Int32Array(patches.length * voxels);
  const annotated = new Float32Array(patches.length * classes);
  for (const [n, patch] of patches.entries()) {
    image.set(patch.image, n * voxels);
    labels.set(patch.labels, n * voxels);
    annotated.set(patch.annotated, n * classes);
  }
  const seen = Array.from({ length: classes }, (_, c) => patches.reduce((sum, patch) => sum + (patch.seen[c] ?? 0), 0));
  return { image, labels, annotated, seen, sources: patches.map(({ source }) => source) };
}

function checkOptions(patchSize: Size3D, batch: number, foreground: number, cases: number): void {
  if (cases === 0) throw new ConfigError("patchSampler: at least one case is needed, got none.");
  if (!(Number.isInteger(batch) && batch >= 1))
    throw new ConfigError(`patchSampler: batch must be a whole number of at least 1, got ${batch}.`);
  if (!patchSize.every((size) => Number.isInteger(size) && size >= 1))
    throw new ConfigError(`patchSampler: patchSize must be whole numbers of at least 1, got ${showShape(patchSize)}.`);
  if (!(foreground >= 0 && foreground <= 1))
    throw new ConfigError(`patchSampler: foreground must lie in [0, 1], got ${foreground}.`);
  const voxels = sizeOf(patchSize);
  if (batch * voxels > MAX_BATCH_VOXELS)
    throw new ResourceError(
      `patchSampler: a batch may have at most ${MAX_BATCH_VOXELS} voxels, got ${batch} x ${showShape(patchSize)} = ${batch * voxels}. Choose a smaller patchSize or batch.`,
    );
}

function checkClasses(sources: readonly PatchSource[]): void {
  const classes = sources[0]?.annotated.length;
  const odd = sources.find(({ annotated }) => annotated.length !== classes);
  if (odd)
    throw new ShapeError(
      `patchSampler: annotated must have one entry per class in every case, got ${odd.annotated.length} in ${odd.id} and ${classes} before.`,
    );
}
