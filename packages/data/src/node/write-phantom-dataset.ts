import { join } from "node:path";
import { ConfigError, type LabelMap, type Size3D } from "@plseg/core";
import { annotatedClasses, writeAnnotations } from "../annotations.js";
import { hideUnannotated, maskAnnotations } from "../mask-annotations.js";
import { makePhantom, PHANTOM_DEFAULTS, phantomClasses } from "../phantom/make-phantom.js";
import { checkEmptyFolder } from "./check-empty-folder.js";
import type { Dataset } from "./dataset.js";
import { openDataset } from "./open-dataset.js";
import { writeVolumeFile } from "./volume-files.js";
import { writeDescription } from "./write-description.js";
import { writeFileAtomic } from "./write-file-atomic.js";

/** Options of {@link writePhantomDataset}. */
export interface WritePhantomDatasetOptions {
  /** The folder to write; it must be empty or not exist. */
  readonly out: string;
  /** Number of training cases. */
  readonly cases: number;
  /** Number of held-out cases, fully labeled. */
  readonly testCases?: number;
  /** Voxels along depth, height, width, or the same along all. 64, or as many as the anatomy has of `spacing`. */
  readonly size?: number | Size3D | undefined;
  /** Millimeters per voxel along depth, height, width. By default the voxels fill the anatomy. */
  readonly spacing?: Size3D | undefined;
  /** The whole anatomy, or scans that begin and end elsewhere, as `makePhantom` says. */
  readonly fieldOfView?: "whole" | "varied";
  /** How much people and scans differ, from 0 to 1. */
  readonly variety?: number;
  /** How many organs there are. */
  readonly classes?: 6 | 16;
  /** How many organs are annotated per training case; all by default. */
  readonly annotated?: number;
  /** The same seed writes the same files; 0 unless told. */
  readonly seed?: number;
  /** Called after each case with how many are written. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Writes a dataset of phantoms in nnU-Net's layout:
 *
 * - `imagesTr`, `labelsTr`: training cases, in whose labels only the annotated organs are left, the others are background;
 * - `annotations.json`: which organs those are, case by case, each organ about equally often;
 * - `labelsTr_full`: the whole truth of the training cases, for comparison. Neither nnU-Net nor `openDataset` reads it;
 * - `imagesTs`, `labelsTs`: held-out cases of other people with the whole truth;
 * - `dataset.json`, written last, so that a folder that was left half-way is not taken for a dataset.
 *
 * @returns The dataset, opened.
 * @throws ConfigError if a number is out of range; DataError if the folder holds files or cannot be written; ResourceError
 *   if the disk is full.
 */
export async function writePhantomDataset(options: WritePhantomDatasetOptions): Promise<Dataset> {
  const { out, cases, onProgress } = options;
  const testCases = options.testCases ?? 0;
  const { size, spacing, fieldOfView = PHANTOM_DEFAULTS.fieldOfView } = options;
  const { variety = PHANTOM_DEFAULTS.variety } = options;
  const { classes = PHANTOM_DEFAULTS.classes, seed = 0 } = options;
  if (!(Number.isInteger(cases) && cases >= 1))
    throw new ConfigError(`writePhantomDataset: cases must be a whole number of at least 1, got ${cases}.`);
  if (!(Number.isInteger(testCases) && testCases >= 0))
    throw new ConfigError(`writePhantomDataset: testCases must be a whole number of at least 0, got ${testCases}.`);
  await checkEmptyFolder("writePhantomDataset", out);

  const named = (count: number, first: number): string[] =>
    Array.from({ length: count }, (_, i) => `case_${String(first + i).padStart(4, "0")}`);
  const training = named(cases, 1);
  const test = named(testCases, cases + 1);
  const names = phantomClasses(classes);
  const keep = options.annotated ?? names.foreground.length;
  const manifest = maskAnnotations({ cases: training, classes: names, keep, seed });
  for (const [done, id] of [...training, ...test].entries()) {
    const { image, labels } = makePhantom({ size, classes, spacing, fieldOfView, variety, seed: `${seed}/${id}` });
    const part = done < cases ? "Tr" : "Ts";
    const scan = { ...image, data: Int16Array.from(image.data, Math.round) };
    const write = (folder: string, map: LabelMap): Promise<void> =>
      writeVolumeFile(join(out, folder, `${id}.nii.gz`), map, { labels: true });
    await writeVolumeFile(join(out, `images${part}`, `${id}_0000.nii.gz`), scan);
    await write(
      `labels${part}`,
      part === "Tr" ? hideUnannotated(labels, annotatedClasses(manifest, names, id)) : labels,
    );
    if (part === "Tr") await write("labelsTr_full", labels);
    onProgress?.(done + 1, cases + testCases);
  }
  await writeFileAtomic(join(out, "annotations.json"), writeAnnotations(manifest));
  await writeDescription(out, {
    name: "phantoms",
    description: `Synthetic abdominal CT, ${keep} of ${names.foreground.length} organs annotated per case`,
    classes: names.names,
    numTraining: cases,
  });
  return openDataset(out);
}
