import { join } from "node:path";
import { type Affine, DataError, type LabelMap, type Size3D, type Volume } from "@plseg/core";
import * as v from "valibot";
import type { PatchSource } from "../../patch-source.js";
import { type IntensityRule, scanWindow } from "../../scan-window.js";
import { windowIntensity } from "../../window-intensity.js";
import { readZarrAttributes, readZarrBox, readZarrListItem } from "./read-zarr.js";

/** Version of what is stored, and of the arithmetic behind it. A cache of another version is built anew. */
export const CACHE_VERSION = 2;

/** A preprocessed case on disk: all there is to know but the voxels. Plain data, which a worker thread can be given. */
export interface CachedCase {
  /** Name of the case. */
  readonly id: string;
  /** Its folder: a group of Zarr arrays `image`, `labels` and `places`. */
  readonly folder: string;
  /** Voxels along depth, height, width. */
  readonly shape: Size3D;
  /** Millimeters between voxels along depth, height, width. */
  readonly spacing: Size3D;
  /** Where the voxels lie in the patient: canonical orientation, cropped to the body. */
  readonly affine: Affine;
  /** Whether each class was annotated, by class index. */
  readonly annotated: readonly boolean[];
  /** By class index: places of the class in `places`, the classes one after the other. */
  readonly placeCounts: readonly number[];
  /** By class index: voxels with the label. */
  readonly voxels: readonly number[];
  /** Intensity of a stored 1. */
  readonly slope: number;
  /** Lowest stored value, which chunks that are not stored have. */
  readonly air: number;
  /** Lowest and highest intensity of the whole scan, before it was cropped and resampled. */
  readonly range: readonly [lowest: number, highest: number];
  /** How labels are stored. */
  readonly labelType: "uint8" | "uint16";
  /** The files that it was made of, image and labels. */
  readonly inputs: readonly CachedInput[];
}

/** A file that a preprocessed case was made of. */
export interface CachedInput {
  /** Length of the file. */
  readonly bytes: number;
  /** Time of its last change, in milliseconds since 1970. */
  readonly modified: number;
  /** Of its content, in hexadecimal. */
  readonly sha256: string;
}

/** What `zarr.json` of a case says. */
export interface CaseAttributes extends Omit<CachedCase, "id" | "folder"> {
  /** {@link CACHE_VERSION} */
  readonly plsegCache: typeof CACHE_VERSION;
  /** SHA-256 of everything that the stored voxels depend on. */
  readonly key: string;
}

const numbers = v.array(v.number());
const size = v.strictTuple([v.number(), v.number(), v.number()]);

const schema = v.strictObject({
  plsegCache: v.literal(CACHE_VERSION),
  key: v.string(),
  inputs: v.array(v.strictObject({ bytes: v.number(), modified: v.number(), sha256: v.string() })),
  shape: size,
  spacing: size,
  affine: v.pipe(numbers, v.length(16)),
  annotated: v.array(v.boolean()),
  placeCounts: numbers,
  voxels: numbers,
  slope: v.number(),
  air: v.number(),
  range: v.strictTuple([v.number(), v.number()]),
  labelType: v.picklist(["uint8", "uint16"]),
});

/** The attributes of a case, if it is there and of this version. */
export async function readCaseAttributes(folder: string): Promise<CaseAttributes | undefined> {
  const parsed = v.safeParse(schema, await readZarrAttributes(folder));
  return parsed.success ? { ...parsed.output, affine: parsed.output.affine as unknown as Affine } : undefined;
}

/** The case in a folder with these attributes. */
export function cachedCase(id: string, folder: string, attributes: CaseAttributes): CachedCase {
  const { plsegCache: _version, key: _key, ...rest } = attributes;
  return { id, folder, ...rest };
}

/**
 * A preprocessed case as a source of patches. Its voxels stay on disk: of them a patch reads its chunks.
 *
 * @throws DataError, when a patch is read, if a file is missing or damaged; names case and file.
 */
export function cachedSource(entry: CachedCase, intensity: IntensityRule): PatchSource {
  const { id, folder, shape, spacing, annotated, placeCounts, slope, air, range, labelType } = entry;
  const window = scanWindow(intensity, () => range);
  const starts = placeCounts.map((_, label) => placeCounts.slice(0, label).reduce((sum, count) => sum + count, 0));
  const named = <T>(read: () => T): T => {
    try {
      return read();
    } catch (cause) {
      throw new DataError(`case ${id}: ${(cause as Error).message}`, { cause });
    }
  };
  return {
    id,
    shape,
    spacing,
    annotated,
    placeCounts,
    place: (label, index) => named(() => readZarrListItem(join(folder, "places"), (starts[label] ?? 0) + index)),
    read: (origin, box) =>
      named(() => {
        const image = readZarrBox(join(folder, "image"), { type: "int16", shape, fill: air }, origin, box);
        const labels = readZarrBox(join(folder, "labels"), { type: labelType, shape, fill: 0 }, origin, box);
        return { image: windowIntensity(toIntensity(image, slope), window), labels };
      }),
  };
}

/** The whole of a preprocessed case. @throws DataError if a file is missing or damaged; names case and file. */
export function readCachedCase(entry: CachedCase): { readonly image: Volume; readonly labels: LabelMap } {
  const { shape, affine, slope, air, folder, labelType } = entry;
  const image = readZarrBox(join(folder, "image"), { type: "int16", shape, fill: air }, [0, 0, 0], shape);
  const labels = readZarrBox(join(folder, "labels"), { type: labelType, shape, fill: 0 }, [0, 0, 0], shape);
  const data = Float32Array.from(image, (value) => value * slope);
  return { image: { data, shape, affine }, labels: { data: labels, shape, affine } };
}

const toIntensity = (stored: Int16Array, slope: number): Int16Array | Float32Array =>
  slope === 1 ? stored : Float32Array.from(stored, (value) => value * slope);
