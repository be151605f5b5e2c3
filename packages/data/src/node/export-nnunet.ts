import { resolve } from "node:path";
import { ConfigError, type LabelMap } from "@plseg/core";
import { checkEmptyFolder } from "./check-empty-folder.js";
import { casePaths } from "./convert-case.js";
import { copyImage } from "./copy-image.js";
import type { DatasetCase } from "./dataset.js";
import { toClassIndices } from "./load-case.js";
import { openDataset } from "./open-dataset.js";
import { readLabelFile, writeVolumeFile } from "./volume-files.js";
import { writeDescription } from "./write-description.js";

/** Options of {@link exportNnunet}. */
export interface ExportNnunetOptions {
  /** A dataset of ours. */
  readonly dir: string;
  /** The folder to write; it must be empty or not exist. nnU-Net wants it named like `Dataset501_Abdomen`. */
  readonly out: string;
  /** Makes hard links to images instead of copies, where that is possible. */
  readonly link?: boolean;
  /** Called after each case with how many are written. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was written for nnU-Net. */
export interface NnunetExport {
  /** Path of the folder. */
  readonly root: string;
  /** The value of ignored voxels: one more than the last class. */
  readonly ignore: number;
  /** Training cases that were written. */
  readonly cases: number;
  /** Of those, cases in which every class is annotated: only their background is known to be background. */
  readonly complete: number;
  /** Training cases without any annotation, which nnU-Net cannot use and which were left out. */
  readonly leftOut: readonly string[];
  /** Part of the training voxels that are ignored. */
  readonly ignored: number;
  /** What nnU-Net will make trouble with, in words. */
  readonly warnings: readonly string[];
}

/**
 * Writes the twin of a dataset for nnU-Net v2, which knows no classes that are unannotated in a case, only voxels that are
 * ignored (`"ignore"`, the highest label). A voxel of an annotated class keeps its label. Any other voxel of a case in which
 * some class is unannotated may be of that class, so it is ignored. Where every class is annotated, it is background.
 *
 * @throws DataError if the dataset has errors or the folder holds files; ConfigError if no case is annotated.
 * @see https://github.com/MIC-DKFZ/nnUNet, documentation/ignore_label.md
 */
export async function exportNnunet({ dir, out, link = false, onProgress }: ExportNnunetOptions): Promise<NnunetExport> {
  const dataset = await openDataset(dir);
  const { classes } = dataset;
  const usable = dataset.training.filter(
    ({ labels, annotated }) => labels !== undefined && annotated.slice(1).some(Boolean),
  );
  if (usable.length === 0)
    throw new ConfigError(
      `exportNnunet: no training case of ${dataset.root} has an annotated class, so nnU-Net could learn nothing.`,
    );
  await checkEmptyFolder("exportNnunet", out);
  const root = resolve(out);
  const ignore = classes.size;
  const counts = { ignored: 0, voxels: 0 };
  const all = [
    ...usable.map((entry) => ({ entry, part: "training" as const })),
    ...dataset.test.map((entry) => ({ entry, part: "test" as const })),
  ];
  for (const [done, { entry, part }] of all.entries()) {
    const paths = casePaths(root, { id: entry.id, part });
    await copyImage(entry.image, paths.image, link);
    if (entry.labels !== undefined) {
      const map = toClassIndices(await readLabelFile(entry.labels), dataset, entry.labels);
      const twin = withIgnored(map, entry, ignore);
      await writeVolumeFile(paths.labels, twin, { labels: true });
      if (part === "training") {
        counts.voxels += twin.data.length;
        for (let i = 0; i < twin.data.length; i++) if (twin.data[i] === ignore) counts.ignored++;
      }
    }
    onProgress?.(done + 1, all.length);
  }
  await writeDescription(root, {
    name: dataset.name,
    description: "Voxels that may belong to a class that nobody annotated in the case are ignored",
    ...{ classes: classes.names, numTraining: usable.length, ignore },
  });
  const complete = usable.filter(({ annotated }) => annotated.every(Boolean)).length;
  const leftOut = dataset.training.filter((entry) => !usable.includes(entry)).map(({ id }) => id);
  const warnings = complete > 0 ? [] : [NO_BACKGROUND];
  return { root, ignore, cases: usable.length, complete, leftOut, ignored: counts.ignored / counts.voxels, warnings };
}

const NO_BACKGROUND =
  "in no training case is every class annotated, so no voxel is known to be background: nnU-Net will learn to call every voxel some organ. Add a case in which every class is annotated";

function withIgnored(map: LabelMap, { annotated }: DatasetCase, ignore: number): LabelMap {
  const rest = annotated.every(Boolean) ? 0 : ignore;
  const data = ignore < 256 ? new Uint8Array(map.data.length) : new Uint16Array(map.data.length);
  for (let i = 0; i < data.length; i++) {
    const index = map.data[i] as number;
    data[i] = index !== 0 && annotated[index] ? index : rest;
  }
  return { ...map, data };
}
