import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError, type Size3D, spacingOf, type Volume, type VoxelArray } from "@plseg/core";
import { foregroundPlaces } from "../../foreground-places.js";
import { imageOnModelGrid, labelsOnModelGrid, modelGrid } from "../../model-grid.js";
import { scanRange } from "../../scan-window.js";
import type { Dataset, DatasetCase } from "../dataset.js";
import { type LoadedCase, loadCase } from "../load-case.js";
import { readBytes } from "../read-bytes.js";
import { asWriteError } from "../write-file-atomic.js";
import {
  CACHE_VERSION,
  type CachedCase,
  type CachedInput,
  type CaseAttributes,
  cachedCase,
  readCaseAttributes,
} from "./cached-case.js";
import { writeZarrGroup, writeZarrList, writeZarrVolume } from "./write-zarr.js";

/** Options of {@link preprocessCases}. */
export interface PreprocessCasesOptions {
  /** The dataset that the cases belong to. */
  readonly dataset: Dataset;
  /** The cases; each must have labels. */
  readonly cases: readonly DatasetCase[];
  /** Millimeters between voxels along depth, height, width. */
  readonly spacing: Size3D;
  /** Folder of the cache; it is made if need be. It may serve several plans. */
  readonly cache: string;
  /** Called after each case with how many are ready. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops before the next case; the promise rejects with the signal's reason. What is ready stays. */
  readonly signal?: AbortSignal;
}

/**
 * Makes cases ready for training, once: canonical orientation, cropped to the body, resampled, stored so that a patch can be
 * read without the rest (the format is described in the README). A case that is there, made of the same files with the
 * same annotations and spacing, is left as it is; one that is stale is made anew. Each case is written beside its folder
 * first, so that one that was cut short is never taken for whole: the next call makes what is missing.
 *
 * @returns The cases in the order given.
 * @throws DataError if a case cannot be read, has no labels, or the cache cannot be written; ResourceError if the disk is
 *   full: what was ready before stays.
 */
export async function preprocessCases(options: PreprocessCasesOptions): Promise<CachedCase[]> {
  const { dataset, cases, spacing, cache, onProgress, signal } = options;
  const folder = join(cache, `${spacing.join("x")}mm`);
  await removeRemains(folder);
  const ready: CachedCase[] = [];
  for (const entry of cases) {
    signal?.throwIfAborted();
    const path = join(folder, entry.id);
    const found = await readCaseAttributes(path);
    const inputs = await describeInputs(entry, found?.inputs ?? []);
    const key = keyOf(dataset, entry, spacing, inputs);
    const attributes = found?.key === key ? found : await buildCase(dataset, entry, spacing, { path, key, inputs });
    ready.push(cachedCase(entry.id, path, attributes));
    onProgress?.(ready.length, cases.length);
  }
  return ready;
}

/** SHA-256 of the files of a case; a file with the same length and time of change as before is taken for the same. */
async function describeInputs(
  { id, image, labels }: DatasetCase,
  known: readonly CachedInput[],
): Promise<CachedInput[]> {
  if (labels === undefined) throw new DataError(`preprocessCases: case ${id} has no labels.`);
  const inputs: CachedInput[] = [];
  for (const path of [image, labels]) {
    const { size: bytes = 0, mtimeMs: modified = 0 } = (await stat(path).catch(() => undefined)) ?? {};
    const same = known[inputs.length];
    if (same && same.bytes === bytes && same.modified === modified) inputs.push(same);
    else inputs.push({ bytes, modified, sha256: sha256(await readBytes(path)) });
  }
  return inputs;
}

/** SHA-256 of all that the stored voxels depend on. */
function keyOf(
  { classes, labelValues }: Dataset,
  { annotated }: DatasetCase,
  spacing: Size3D,
  inputs: readonly CachedInput[],
): string {
  const files = inputs.map((input) => input.sha256);
  return sha256(JSON.stringify({ CACHE_VERSION, files, spacing, annotated, classes: classes.names, labelValues }));
}

const sha256 = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

async function buildCase(
  dataset: Dataset,
  entry: DatasetCase,
  spacing: Size3D,
  { path, key, inputs }: { readonly path: string; readonly key: string; readonly inputs: CachedInput[] },
): Promise<CaseAttributes> {
  const { image, labels, stored } = prepare(await loadCase(dataset, entry), spacing);
  const attributes: CaseAttributes = { plsegCache: CACHE_VERSION, key, inputs, ...stored.attributes };
  const temporary = `${path}${PART}${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    const { shape, air, labelType } = attributes;
    await mkdir(temporary, { recursive: true });
    await writeZarrVolume(join(temporary, "image"), image, { type: "int16", shape, fill: air });
    await writeZarrVolume(join(temporary, "labels"), labels, { type: labelType, shape, fill: 0 });
    await writeZarrList(join(temporary, "places"), stored.places);
    await writeZarrGroup(temporary, attributes);
    await rm(path, { recursive: true, force: true });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    // Another training may have made the same case meanwhile.
    if ((await readCaseAttributes(path))?.key === key) return attributes;
    throw asWriteError("preprocessCases", path, cause);
  }
  return attributes;
}

/** A case on the grid of the network, as it is stored. */
function prepare({ id, image: scan, labels: map, annotated }: LoadedCase, spacing: Size3D) {
  if (!map) throw new DataError(`preprocessCases: case ${id} has no labels.`);
  const grid = modelGrid(scan, spacing, map);
  const image = imageOnModelGrid(scan, grid);
  const labels = labelsOnModelGrid(map, grid).data;
  const { places, voxels } = foregroundPlaces({ id, labels, annotated });
  const { data, slope, air } = toInt16(image);
  const attributes = {
    shape: image.shape,
    spacing: spacingOf(image.affine),
    affine: image.affine,
    annotated,
    placeCounts: places.map((list) => list.length),
    voxels,
    slope,
    air,
    range: scanRange(scan),
    labelType: labels instanceof Uint8Array ? ("uint8" as const) : ("uint16" as const),
  };
  return { image: data, labels, stored: { attributes, places: joined(places) } };
}

const LARGEST = 32_767;
/** Intensities that lie all within this of 0 are no Hounsfield units; whole numbers would be too coarse for them. */
const SMALL = 256;

/** Intensities as whole numbers: Hounsfield units as they are, anything else scaled to use all of the range. */
function toInt16({ data }: Volume<VoxelArray>): {
  readonly data: Int16Array;
  readonly slope: number;
  readonly air: number;
} {
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const largest = Math.max(Math.abs(lowest), Math.abs(highest));
  const slope = largest > 0 && (largest > LARGEST || largest < SMALL) ? largest / LARGEST : 1;
  const stored = new Int16Array(data.length);
  for (let i = 0; i < stored.length; i++) stored[i] = Math.round((data[i] as number) / slope);
  return { data: stored, slope, air: Math.round(lowest / slope) };
}

function joined(lists: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}

/** Between the name of a case and that of the process that writes it. */
const PART = ".part-";

/** Removes cases that were cut short by the end of the process that wrote them. */
async function removeRemains(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const writer = Number(/\.part-(\d+)-[0-9a-f]+$/.exec(name)?.[1]);
    if (writer > 0 && !isRunning(writer)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
