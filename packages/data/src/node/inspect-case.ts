import { createHash } from "node:crypto";
import { relative, sep } from "node:path";
import { annotationState, PlsegError, type Size3D, spacingOf } from "@plseg/core";
import { type Grid, gridMismatch } from "../affine.js";
import { canonicalGrid } from "../canonical.js";
import type { DatasetProblem } from "./dataset.js";
import { hashFile } from "./hash-file.js";
import type { SourceCase, SourceDataset } from "./layouts/layout.js";
import { readScan } from "./read-scan.js";
import { histogram, readMask, strangersOf } from "./source-labels.js";
import { readLabelFile } from "./volume-files.js";

/** What the files of a case say, before the classes of the dataset are known. */
export interface CaseFindings {
  readonly entry: SourceCase;
  readonly id: string;
  readonly part: SourceCase["part"];
  /** The image's path relative to the dataset's folder. */
  readonly file: string;
  readonly shape?: Size3D;
  readonly spacing?: Size3D;
  readonly intensity?: readonly [low: number, high: number];
  readonly labeled: boolean;
  /** By label value. */
  readonly voxels: ReadonlyMap<number, number>;
}

/** Spacings in millimeters that occur; a wrong unit is a thousand times off. */
const USUAL_SPACING = [0.05, 50] as const;

/**
 * Reads image and labels of a case and adds what is wrong to `problems`.
 *
 * @param seen - Hashes of files and of voxels, with the file that had them first.
 */
export async function inspectCase(
  source: SourceDataset,
  entry: SourceCase,
  seen: Map<string, string>,
  problems: DatasetProblem[],
): Promise<CaseFindings> {
  const short = (path: string): string => relative(source.root, path);
  const report = (
    path: string,
    field: string,
    message: string,
    severity: DatasetProblem["severity"] = "error",
  ): void => {
    problems.push({ file: short(path), field, message, severity });
  };
  /** A message that names files as the report does. */
  const plain = (message: string): string => message.replaceAll(source.root + sep, "").replace(/\.$/, "");
  const attempt = async <T>(path: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof PlsegError)) throw error;
      report(path, "file", plain(error.message));
      return undefined;
    }
  };

  const image = await attempt(entry.image, async () => {
    const onWarning = (text: string): void =>
      report(entry.image, "header", plain(text).replace(`${short(entry.image)}: `, ""), "warning");
    const volume = await readScan(entry.image, { onWarning });
    const bytes = await hashFile(entry.image);
    const voxels = hashOf(volume.shape.join("x"), voxelBytes(volume.data));
    const twin = firstOf(seen, bytes, short(entry.image));
    const sameVoxels = firstOf(seen, voxels, short(entry.image));
    if (twin !== undefined) report(entry.image, "file", `it is the same file as ${twin}, byte for byte`);
    else if (sameVoxels !== undefined)
      report(entry.image, "voxels", `it has the same voxels as ${sameVoxels}`, "warning");
    const { shape, affine } = volume;
    const spacing = spacingOf(affine);
    if (spacing.some((mm) => mm < USUAL_SPACING[0] || mm > USUAL_SPACING[1]))
      report(entry.image, "spacing", `${show(spacing)} is unusual for CT: is the header in another unit?`, "warning");
    return { shape, affine, spacing, intensity: rangeOf(volume.data) };
  });
  const voxels = await countVoxels(source, entry, image, { report, attempt, short });
  checkStates(source, entry, voxels, report);
  const { id, part } = entry;
  const geometry = image && { shape: image.shape, spacing: image.spacing, intensity: image.intensity };
  const labeled = entry.labels !== undefined || entry.masks !== undefined;
  return { entry, id, part, file: short(entry.image), ...geometry, labeled, voxels };
}

interface Reporting {
  readonly report: (path: string, field: string, message: string, severity?: DatasetProblem["severity"]) => void;
  readonly attempt: <T>(path: string, read: () => Promise<T>) => Promise<T | undefined>;
  readonly short: (path: string) => string;
}

/** Voxels by label value, from one map or from a mask per class. */
async function countVoxels(
  { classes }: SourceDataset,
  { labels, masks, image: imagePath }: SourceCase,
  image: Grid | undefined,
  { report, attempt, short }: Reporting,
): Promise<ReadonlyMap<number, number>> {
  const checkGrid = (path: string, map: Grid): void => {
    const mismatch = image && gridMismatch(canonicalGrid(image), canonicalGrid(map));
    if (mismatch) report(path, "grid", `it does not lie on the grid of ${short(imagePath)}: ${mismatch}`);
  };
  const counts = new Map<number, number>();
  if (labels !== undefined) {
    const map = await attempt(labels, () => readLabelFile(labels));
    if (!map) return counts;
    checkGrid(labels, map);
    const values = histogram(map);
    const strangers = classes && strangersOf(values, classes);
    if (strangers !== undefined) report(labels, "labels", strangers);
    for (const [value, number] of values) if (value > 0) counts.set(value, number);
  }
  for (const [name, path] of masks ?? []) {
    const mask = await attempt(path, () => readMask(path));
    const value = classes?.find((entry) => entry.name === name)?.value;
    if (!mask || value === undefined) continue;
    checkGrid(path, mask);
    let number = 0;
    for (let i = 0; i < mask.data.length; i++) if (mask.data[i] !== 0) number++;
    if (number > 0) counts.set(value, number);
  }
  return counts;
}

/** Labels that the list of annotated classes does not explain, and the other way round. */
function checkStates(
  { classes = [] }: SourceDataset,
  { id, labels, masks, annotated, most }: SourceCase,
  voxels: ReadonlyMap<number, number>,
  report: Reporting["report"],
): void {
  const [path = labels] = masks?.values() ?? [];
  if (path === undefined) return;
  const states = classes.map(({ name, value }) => {
    const known = typeof annotated === "string" || annotated.includes(name);
    return { name, number: voxels.get(value) ?? 0, state: annotationState(known, voxels.has(value)) };
  });
  for (const { name, number, state } of states)
    if (state === "unannotated" && number > 0)
      report(
        path,
        "labels",
        `${number} voxels are labeled ${name}, which is not listed as annotated in ${id}; they count as background`,
        "warning",
      );
  if (voxels.size === 0 && (typeof annotated === "string" || annotated.length > 0))
    report(path, "labels", masks ? "every mask of the case is empty" : "no voxel is labeled", "warning");
  if (most !== undefined && voxels.size > most)
    report(path, "labels", `${voxels.size} classes occur, but at most ${most} are annotated per case in this folder`);
}

/** The file that had a content of this hash before, or `undefined`, and then this one is it. */
function firstOf(seen: Map<string, string>, hash: string | undefined, file: string): string | undefined {
  if (hash === undefined) return undefined;
  const first = seen.get(hash);
  if (first === undefined) seen.set(hash, file);
  return first;
}

const hashOf = (text: string, bytes: Uint8Array): string =>
  createHash("sha256").update(text).update(bytes).digest("hex");

const voxelBytes = (data: Float32Array): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const show = (spacing: Size3D): string => `${spacing.map((mm) => Number(mm.toPrecision(3))).join(" x ")} mm`;

function rangeOf(data: Float32Array): [low: number, high: number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
