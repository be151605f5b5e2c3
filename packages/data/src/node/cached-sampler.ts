import { ClassSet, type Size3D } from "@plseg/core";
import { type PatchSampler, type PatchSampling, patchSampler } from "../patch-sampler.js";
import type { IntensityRule } from "../scan-window.js";
import { type CachedCase, cachedSource } from "./cache/cached-case.js";

/** What patches are drawn from, and how. Plain data, which a worker thread can be given. */
export interface CachedSampling extends PatchSampling {
  /** Preprocessed cases, from `preprocessCases`. */
  readonly cases: readonly CachedCase[];
  /** What becomes [−1, 1]. */
  readonly intensity: IntensityRule;
  /** Voxels along depth, height, width. */
  readonly patchSize: Size3D;
  /** Names of the classes, background first. Needed only where an augmentation flips left and right. */
  readonly classes?: readonly string[];
}

/** A sampler that reads patches from preprocessed cases, in the thread that calls it. */
export function cachedSampler({ cases, intensity, classes, ...options }: CachedSampling): PatchSampler {
  return patchSampler({
    ...options,
    cases: cases.map((entry) => cachedSource(entry, intensity)),
    ...(classes && { classes: new ClassSet(classes) }),
  });
}
