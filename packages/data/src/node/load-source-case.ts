import type { LabelMap, Volume } from "@plseg/core";
import { toCanonical } from "../canonical.js";
import type { SourceCase, SourceClass } from "./layouts/layout.js";
import { readScan } from "./read-scan.js";
import { readSourceLabels } from "./source-labels.js";

/** Scan and labels of a case of any layout, in the canonical orientation. */
export interface LoadedSourceCase {
  /** Hounsfield units. */
  readonly image: Volume;
  /** 1 for the first class, and so on; masks that overlap are settled in the order of the classes. */
  readonly labels?: LabelMap;
}

/**
 * Reads a case of a dataset in any layout, to look at it.
 *
 * @param classes - Those of the dataset, without background; those of its report where nothing in its folder names them.
 * @throws DataError naming the file if one cannot be read, or holds values that are no class.
 */
export async function loadSourceCase(entry: SourceCase, classes: readonly SourceClass[]): Promise<LoadedSourceCase> {
  const names = ["background", ...classes.map(({ name }) => name)];
  const targets = new Map(classes.map(({ name }, index) => [name, index + 1]));
  const volume = await readScan(entry.image);
  const read = await readSourceLabels(entry, classes, { targets, names, order: [...targets.values()] });
  const image = toCanonical(volume).volume;
  return read ? { image, labels: toCanonical(read.labels).volume } : { image };
}
