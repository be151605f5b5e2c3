import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type LabelMap, sizeOf, spacingOf, type Volume } from "@plseg/core";
import { describeIntensities, type Fingerprint, type FingerprintCase } from "../fingerprint.js";
import { modelGrid } from "../model-grid.js";
import type { Dataset, DatasetCase } from "./dataset.js";
import { loadCase } from "./load-case.js";
import { writeFileAtomic } from "./write-file-atomic.js";

/** Options of {@link fingerprintDataset}. */
export interface FingerprintDatasetOptions {
  /** Folder where the fingerprint is kept, as `fingerprint.json`; it is not made anew while no file has changed. */
  readonly cache?: string;
  /** Called after each case with how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops before the next case; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Voxels of annotated organs that are looked at in a case, so that a large scan does not outweigh the others. */
const SAMPLED = 20_000;

/**
 * The numbers that a plan is made from (see `planFrom`): of every labeled training case spacing and shape, of annotated
 * organs the intensities, of each class in how many cases it is annotated and present, and its voxels. Reads every file,
 * one case in memory at a time.
 *
 * @throws DataError if a case cannot be read, or the cache cannot be written; ResourceError if the disk is full.
 */
export async function fingerprintDataset(
  dataset: Dataset,
  { cache, ...watching }: FingerprintDatasetOptions = {},
): Promise<Fingerprint> {
  const entries = dataset.training.filter(({ labels, annotated }) => labels && annotated.slice(1).some(Boolean));
  if (cache === undefined) return makeFingerprint(dataset, entries, watching);
  const path = join(cache, "fingerprint.json");
  const key = await keyOf(dataset, entries);
  const kept = await readFile(path, "utf8")
    .then(JSON.parse)
    .catch(() => undefined);
  if (kept?.key === key) return kept.fingerprint;
  const fingerprint = await makeFingerprint(dataset, entries, watching);
  await writeFileAtomic(path, `${JSON.stringify({ key, fingerprint }, undefined, 2)}\n`);
  return fingerprint;
}

/** Tells whether files, annotations or classes have changed: by the lengths of the files and the times of their changes. */
async function keyOf({ classes, labelValues }: Dataset, entries: readonly DatasetCase[]): Promise<string> {
  const files = entries.flatMap(({ image, labels = "" }) => [image, labels]);
  const stats = await Promise.all(files.map((path) => stat(path).catch(() => undefined)));
  const content = {
    version: 1,
    classes: classes.names,
    labelValues,
    cases: entries.map(({ id, annotated }) => ({ id, annotated })),
    files: stats.map((found) => [found?.size, found?.mtimeMs]),
  };
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

async function makeFingerprint(
  dataset: Dataset,
  entries: readonly DatasetCase[],
  { onProgress, signal }: Omit<FingerprintDatasetOptions, "cache">,
): Promise<Fingerprint> {
  const { names } = dataset.classes;
  const counts = names.map(() => ({ annotatedCases: 0, presentCases: 0, voxels: 0 }));
  const cases: FingerprintCase[] = [];
  const samples: Float32Array[] = [];
  for (const entry of entries) {
    signal?.throwIfAborted();
    const { id, image, labels, annotated } = await loadCase(dataset, entry);
    if (!labels) continue;
    const spacing = spacingOf(image.affine);
    cases.push({ id, shape: modelGrid(image, spacing, labels).box.shape, spacing });
    const voxels = voxelCounts(labels, names.length);
    samples.push(sampleForeground(image, labels, sizeOf(labels.shape) - (voxels[0] ?? 0)));
    for (const [index, count] of counts.entries()) {
      if (!annotated[index]) continue;
      count.annotatedCases++;
      if ((voxels[index] ?? 0) > 0) count.presentCases++;
      count.voxels += voxels[index] ?? 0;
    }
    onProgress?.(cases.length, entries.length);
  }
  const classes = counts.map((count, index) => ({ name: names[index] ?? "", ...count })).slice(1);
  return { version: 1, cases, intensity: describeIntensities(joined(samples)), classes };
}

function voxelCounts({ data }: LabelMap, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < data.length; i++) counts[data[i] as number] = (counts[data[i] as number] as number) + 1;
  return counts;
}

/** Intensities of every n-th labeled voxel. */
function sampleForeground(image: Volume, labels: LabelMap, count: number): Float32Array {
  const stride = Math.max(1, Math.ceil(count / SAMPLED));
  const values = new Float32Array(Math.ceil(count / stride));
  let seen = 0;
  for (let i = 0; i < labels.data.length; i++) {
    if (labels.data[i] === 0) continue;
    if (seen % stride === 0) values[seen / stride] = image.data[i] as number;
    seen++;
  }
  return values.filter(Number.isFinite);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
