import { DataError, type LabelMap, type Volume } from "@plseg/core";
import { checkSameGrid } from "../affine.js";
import { toCanonical } from "../canonical.js";
import { hideUnannotated } from "../mask-annotations.js";
import type { Dataset, DatasetCase } from "./dataset.js";
import { readLabelFile, readVolumeFile } from "./volume-files.js";

/** A case in memory. */
export interface LoadedCase {
  /** Name of the case. */
  readonly id: string;
  /** Hounsfield units. */
  readonly image: Volume;
  /** Class indices. Voxels of classes that are not annotated are background. */
  readonly labels?: LabelMap;
  /** Whether each class was annotated, by class index. */
  readonly annotated: readonly boolean[];
}

/**
 * Reads image and labels of a case, brings both to the canonical orientation (see `toCanonical`), and turns label values into class indices. Labels of a class that the manifest does
 * not list as annotated mean nothing and become background; `inspectDataset` reports them.
 *
 * @throws DataError if a file cannot be read, a label value belongs to no class, or image and labels do not lie on one grid.
 */
export async function loadCase(dataset: Dataset, { id, image, labels, annotated }: DatasetCase): Promise<LoadedCase> {
  const { volume: scan } = toCanonical(await readVolumeFile(image));
  if (labels === undefined) return { id, image: scan, annotated };
  const { volume: stored } = toCanonical(await readLabelFile(labels));
  const map = toClassIndices(stored, dataset, labels);
  checkSameGrid("loadCase", [image, scan], [labels, map]);
  return { id, image: scan, labels: hideUnannotated(map, annotated), annotated };
}

/** Label values on disk to class indices. @throws DataError naming the values that belong to no class, and the file. */
export function toClassIndices(map: LabelMap, { classes, labelValues }: Dataset, file: string): LabelMap {
  const indexOf = new Map(labelValues.map((value, index) => [value, index]));
  const unknown = new Map<number, number>();
  const data = classes.size <= 256 ? new Uint8Array(map.data.length) : new Uint16Array(map.data.length);
  for (let i = 0; i < data.length; i++) {
    const value = map.data[i] as number;
    const index = indexOf.get(value);
    if (index === undefined) unknown.set(value, (unknown.get(value) ?? 0) + 1);
    else data[i] = index;
  }
  if (unknown.size === 0) return { ...map, data };
  const found = [...unknown].slice(0, 5).map(([value, count]) => `${value} (${count} voxels)`);
  const held = classes.names.map((name, index) => ({ name, value: labelValues[index] ?? -1 }));
  const known = held.flatMap(({ name, value }) => (value < 0 ? [] : `${value} ${name}`)).join(", "); // see `withClasses`
  throw new DataError(
    `loadCase: ${file}: label values must belong to a class of dataset.json, got ${found.join(", ")}${unknown.size > 5 ? ", ..." : ""}. Classes: ${known}.`,
  );
}
