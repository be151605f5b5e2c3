import { DataError } from "@plseg/core";
import type { Dataset } from "./dataset.js";
import { scanDataset } from "./scan-dataset.js";

/**
 * Opens a dataset in nnU-Net v2's raw layout: classes, cases and, from `annotations.json`, which class was annotated in
 * which case. Without a manifest every class counts as annotated in every labeled case. An image without labels is a case
 * in which nothing is annotated. Voxels are not read.
 *
 * @throws DataError if the folder is not such a dataset, or if any file name, case or class does not fit: the message names
 *   the first problem and says how many there are. `inspectDataset` lists them all.
 */
export async function openDataset(dir: string): Promise<Dataset> {
  const { dataset, problems } = await scanDataset(dir);
  const [first, ...others] = problems.filter(({ severity }) => severity === "error");
  if (!first) return dataset;
  const more = others.length === 0 ? "" : ` (and ${others.length} more: see "plseg data inspect")`;
  const message = first.message.replace(/\.$/, "");
  const end = more === "" && message.endsWith("?") ? "" : ".";
  throw new DataError(`openDataset: ${dataset.root}: ${first.file}: ${first.field}: ${message}${more}${end}`);
}
