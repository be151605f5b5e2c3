import { createHash } from "node:crypto";
import { relative } from "node:path";
import { type AnnotationState, annotationState, PlsegError, type Size3D, spacingOf } from "@plseg/core";
import { gridMismatch } from "../affine.js";
import { canonicalGrid } from "../canonical.js";
import { readLabelNifti, readNifti } from "../read-nifti.js";
import type { Dataset, DatasetCase, DatasetProblem } from "./dataset.js";
import { toClassIndices } from "./load-case.js";
import { readBytes } from "./read-bytes.js";
import { scanDataset } from "./scan-dataset.js";

/** What is known of a class in a case. */
export interface InspectedClass {
  /** Of the class. */
  readonly name: string;
  /** Present, annotated and absent, or unannotated. */
  readonly state: AnnotationState;
  /** Voxels that carry its label, whatever the state. */
  readonly voxels: number;
}

/** What was found in the files of a case. */
export interface InspectedCase {
  /** Name of the files without channel and extension. */
  readonly id: string;
  /** Where it lies: `imagesTr` or `imagesTs`. */
  readonly part: "training" | "test";
  /** Voxels along depth, height, width, if the image could be read. */
  readonly shape?: Size3D;
  /** Millimeters along depth, height, width. */
  readonly spacing?: Size3D;
  /** Whether it has a label file. */
  readonly labeled: boolean;
  /** One entry per class besides the background. */
  readonly classes: readonly InspectedClass[];
}

/** What a dataset is, and everything that is wrong with it. */
export interface DatasetReport {
  /** How the files are arranged. */
  readonly layout: "nnU-Net v2 raw";
  /** Path of the folder. */
  readonly root: string;
  /** Of the dataset. */
  readonly name: string;
  /** Names, background first. */
  readonly classes: readonly string[];
  /** By class index: the value that stands for the class in label files. */
  readonly labelValues: readonly number[];
  /** Where it is known from what is annotated. */
  readonly annotations: Dataset["annotations"];
  /** Training cases first, then held-out ones. */
  readonly cases: readonly InspectedCase[];
  /** Everything wrong, errors and warnings. */
  readonly problems: readonly DatasetProblem[];
}

/** Options of {@link inspectDataset}. */
export interface InspectDatasetOptions {
  /** Called after each case with how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Reads every file of a dataset, one case in memory at a time, and reports shapes, spacings, the state of every class in
 * every case, and every problem by file: it does not stop at the first.
 *
 * @throws DataError only if there is no dataset at all: no folder, or no usable `dataset.json`.
 */
export async function inspectDataset(dir: string, options: InspectDatasetOptions = {}): Promise<DatasetReport> {
  const { dataset, problems: listed } = await scanDataset(dir);
  const problems = [...listed];
  const seen = new Map<string, string>();
  const cases: InspectedCase[] = [];
  const all = [
    ...dataset.training.map((entry) => ({ entry, part: "training" as const })),
    ...dataset.test.map((entry) => ({ entry, part: "test" as const })),
  ];
  for (const { entry, part } of all) {
    cases.push(await inspectCase(dataset, entry, part, seen, problems));
    options.onProgress?.(cases.length, all.length);
  }
  const { root, name, classes, labelValues, annotations } = dataset;
  return { layout: "nnU-Net v2 raw", root, name, classes: classes.names, labelValues, annotations, cases, problems };
}

async function inspectCase(
  dataset: Dataset,
  { id, image, labels, annotated }: DatasetCase,
  part: InspectedCase["part"],
  seen: Map<string, string>,
  problems: DatasetProblem[],
): Promise<InspectedCase> {
  const short = (path: string): string => relative(dataset.root, path);
  const report = (
    path: string,
    field: string,
    message: string,
    severity: DatasetProblem["severity"] = "error",
  ): void => {
    problems.push({ file: short(path), field, message, severity });
  };
  const attempt = async <T>(path: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof PlsegError)) throw error;
      report(path, "file", error.message);
      return undefined;
    }
  };

  const grid = await attempt(image, async () => {
    const bytes = await readBytes(image);
    const hash = createHash("sha256").update(bytes).digest("hex");
    const twin = seen.get(hash);
    if (twin !== undefined) report(image, "file", `it is the same file as ${twin}, byte for byte`);
    else seen.set(hash, short(image));
    const { shape, affine } = await readNifti(bytes, { name: short(image) });
    return { shape, affine };
  });
  const counts = new Array<number>(dataset.classes.size).fill(0);
  if (labels !== undefined) {
    const map = await attempt(labels, async () => readLabelNifti(await readBytes(labels), { name: short(labels) }));
    const mismatch = map && grid ? gridMismatch(canonicalGrid(grid), canonicalGrid(map)) : undefined;
    if (mismatch) report(labels, "grid", `it does not lie on the grid of ${short(image)}: ${mismatch}`);
    const indices = map && (await attempt(labels, async () => toClassIndices(map, dataset, short(labels))));
    for (const index of indices?.data ?? []) counts[index] = (counts[index] ?? 0) + 1;
  }
  const classes = dataset.classes.names.map((name, index) => {
    const voxels = counts[index] ?? 0;
    const known = annotated[index] ?? false;
    if (labels !== undefined && voxels > 0 && !known)
      report(
        labels,
        "labels",
        `${voxels} voxels are labeled ${name}, which annotations.json does not list for ${id}; they count as background`,
        "warning",
      );
    return { name, state: annotationState(known, voxels > 0), voxels };
  });
  const geometry = grid ? { shape: grid.shape, spacing: spacingOf(grid.affine) } : {};
  return { id, part, ...geometry, labeled: labels !== undefined, classes: classes.slice(1) };
}
