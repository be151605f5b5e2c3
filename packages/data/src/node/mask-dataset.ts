import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { type AnnotationManifest, annotatedClasses, writeAnnotations } from "../annotations.js";
import { hideUnannotated, maskAnnotations } from "../mask-annotations.js";
import { checkEmptyFolder } from "./check-empty-folder.js";
import { casePaths } from "./convert-case.js";
import { copyImage } from "./copy-image.js";
import type { Dataset, DatasetCase } from "./dataset.js";
import { toClassIndices } from "./load-case.js";
import { openDataset } from "./open-dataset.js";
import { readLabelFile, writeVolumeFile } from "./volume-files.js";
import { writeDescription } from "./write-description.js";
import { writeFileAtomic } from "./write-file-atomic.js";

/** Options of {@link maskDataset}. */
export interface MaskDatasetOptions {
  /** A dataset of ours, with all labels. */
  readonly dir: string;
  /** The folder to write; it must be empty or not exist. */
  readonly out: string;
  /** How many classes stay annotated per training case, or all if it has fewer. */
  readonly keep: number;
  /** The same seed keeps the same classes. */
  readonly seed: number;
  /** Makes hard links to images instead of copies, where that is possible. */
  readonly link?: boolean;
  /** Called after each case with how many are written. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A dataset with fewer annotations. */
export interface MaskedDataset {
  /** Path of its folder. */
  readonly root: string;
  /** Which classes stayed annotated. */
  readonly manifest: AnnotationManifest;
  /** SHA-256 of {@link maskTable}, in hexadecimal. */
  readonly sha256: string;
  /** By class: how many training cases keep it. */
  readonly kept: Readonly<Record<string, number>>;
}

/**
 * The text whose SHA-256 names a choice of annotations: one line per training case, in the order of UTF-16 code units of the
 * cases' names, with the name, a tab, and the classes that stay annotated, in the order of the dataset's classes and separated
 * by commas. Every line ends with a line feed; UTF-8. So it depends on which classes are kept in which case and nothing else.
 */
export function maskTable({ classes, cases }: AnnotationManifest): string {
  const ids = Object.keys(cases).sort();
  return ids
    .map((id) => `${id}\t${classes.filter((name) => cases[id]?.annotated.includes(name)).join(",")}\n`)
    .join("");
}

/**
 * Simulates an annotation budget: writes the dataset again, with `keep` classes annotated in each training case and the
 * others made background. Every class is kept about equally often. Held-out cases stay as they are, and `labelsTr_full` has
 * the labels of the training cases before.
 *
 * @throws ConfigError if `keep` is out of range; DataError if the dataset has errors, or the folder holds files.
 */
export async function maskDataset(options: MaskDatasetOptions): Promise<MaskedDataset> {
  const { dir, out, keep, seed, link = false, onProgress } = options;
  const dataset = await openDataset(dir);
  const { classes, training, test } = dataset;
  await checkEmptyFolder("maskDataset", out);
  const root = resolve(out);
  const annotated = Object.fromEntries(labeled(training).map((entry) => [entry.id, namesOf(dataset, entry)]));
  const manifest = maskAnnotations({ cases: Object.keys(annotated), classes, keep, seed, annotated });
  const all = [
    ...training.map((entry) => ({ entry, part: "training" as const })),
    ...test.map((entry) => ({ entry, part: "test" as const })),
  ];
  for (const [done, { entry, part }] of all.entries()) {
    const paths = casePaths(root, { id: entry.id, part });
    await copyImage(entry.image, paths.image, link);
    if (entry.labels !== undefined) {
      const map = toClassIndices(await readLabelFile(entry.labels), dataset, entry.labels);
      const full = hideUnannotated(map, entry.annotated);
      const left = part === "test" ? full : hideUnannotated(full, annotatedClasses(manifest, classes, entry.id));
      if (part === "training")
        await writeVolumeFile(join(root, "labelsTr_full", `${entry.id}.nii.gz`), full, { labels: true });
      await writeVolumeFile(paths.labels, left, { labels: true });
    }
    onProgress?.(done + 1, all.length);
  }
  const heldOut = labeled(test).map((entry) => [entry.id, { annotated: namesOf(dataset, entry) }] as const);
  const cases = { ...manifest.cases, ...Object.fromEntries(heldOut) };
  await writeFileAtomic(join(root, "annotations.json"), writeAnnotations({ ...manifest, cases }));
  await writeDescription(root, {
    name: dataset.name,
    description: `At most ${keep} of ${classes.foreground.length} classes annotated per case, seed ${seed}`,
    classes: classes.names,
    numTraining: Object.keys(annotated).length,
  });
  const sha256 = createHash("sha256").update(maskTable(manifest)).digest("hex");
  const lists = Object.values(manifest.cases);
  const kept = classes.foreground.map((name) => [name, lists.filter((entry) => entry.annotated.includes(name)).length]);
  return { root, manifest, sha256, kept: Object.fromEntries(kept) };
}

const labeled = (cases: readonly DatasetCase[]): readonly DatasetCase[] =>
  cases.filter(({ labels }) => labels !== undefined);

const namesOf = ({ classes }: Dataset, { annotated }: DatasetCase): readonly string[] =>
  classes.foreground.filter((_, index) => annotated[index + 1]);
