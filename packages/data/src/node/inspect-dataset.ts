import type { AnnotationState, Size3D } from "@plseg/core";
import type { DatasetProblem } from "./dataset.js";
import { inspectCase } from "./inspect-case.js";
import { intensityProblems } from "./intensity-problems.js";
import { LAYOUTS } from "./layouts/index.js";
import type { LayoutName, SourceDataset } from "./layouts/layout.js";
import { type OpenSourceOptions, openSource } from "./open-source.js";

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
  /** What the dataset keeps it for. */
  readonly part: "training" | "validation" | "test";
  /** Voxels along depth, height, width, if the image could be read. */
  readonly shape?: Size3D;
  /** Millimeters along depth, height, width. */
  readonly spacing?: Size3D;
  /** The least and the greatest intensity; in Hounsfield units if the scan is CT as it should be. */
  readonly intensity?: readonly [low: number, high: number];
  /** Whether it has a label file. */
  readonly labeled: boolean;
  /** One entry per class besides the background. */
  readonly classes: readonly InspectedClass[];
}

/** What a dataset is, and everything that is wrong with it. */
export interface DatasetReport {
  /** How the files are arranged, as `--layout` takes it. */
  readonly layout: LayoutName;
  /** The same as people call it. */
  readonly layoutTitle: string;
  /** Path of the folder. */
  readonly root: string;
  /** Of the dataset. */
  readonly name: string;
  /** Names, background first. */
  readonly classes: readonly string[];
  /** By class index: the value that stands for the class in label files. */
  readonly labelValues: readonly number[];
  /** Where it is known from what is annotated, in words. */
  readonly annotations: string;
  /** Training cases first, then held-out ones. */
  readonly cases: readonly InspectedCase[];
  /** Everything wrong, errors and warnings. */
  readonly problems: readonly DatasetProblem[];
}

/** Options of {@link inspectDataset}. */
export interface InspectDatasetOptions extends OpenSourceOptions {
  /** Called after each case with how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Reads every file of a dataset in any known layout, one case in memory at a time, and reports shapes, spacings, the state
 * of every class in every case, and every problem by file: it does not stop at the first.
 *
 * @throws DataError only if there is no dataset at all: no folder, or none of a layout that can be told; ConfigError if an
 *   option does not fit.
 */
export async function inspectDataset(dir: string, options: InspectDatasetOptions = {}): Promise<DatasetReport> {
  return inspectSource(await openSource(dir, options), options);
}

/** As {@link inspectDataset}, of a dataset that is open. */
export async function inspectSource(
  source: SourceDataset,
  { onProgress }: Pick<InspectDatasetOptions, "onProgress"> = {},
): Promise<DatasetReport> {
  const problems = [...source.problems];
  const seen = new Map<string, string>();
  const found = [];
  for (const entry of source.cases) {
    found.push(await inspectCase(source, entry, seen, problems));
    onProgress?.(found.length, source.cases.length);
  }
  problems.push(...intensityProblems(found));
  // Where nothing names the classes, they are the values that occur.
  const values = [...new Set(found.flatMap(({ voxels }) => [...voxels.keys()]))].sort((a, b) => a - b);
  const classes = source.classes ?? values.map((value) => ({ name: `label_${value}`, value }));
  const cases = found.map(({ entry, file: _, voxels, ...rest }): InspectedCase => {
    const states = classes.map(({ name, value }): InspectedClass => {
      const number = voxels.get(value) ?? 0;
      const known =
        typeof entry.annotated !== "string" ? entry.annotated.includes(name) : entry.annotated === "all" || number > 0;
      return { name, state: !known ? "unannotated" : number > 0 ? "present" : "absent", voxels: number };
    });
    return { ...rest, classes: states };
  });
  const { layout, root, name } = source;
  return {
    ...{ layout, layoutTitle: LAYOUTS[layout].title, root, name },
    classes: ["background", ...classes.map((entry) => entry.name)],
    labelValues: [0, ...classes.map(({ value }) => value)],
    annotations: describeAnnotations(source),
    ...{ cases, problems },
  };
}

/** In words: where it is known from what is annotated. */
function describeAnnotations({ cases }: SourceDataset): string {
  const labeled = cases.filter(({ labels, masks }) => labels !== undefined || masks !== undefined);
  if (labeled.length === 0) return "none: no case has labels";
  if (labeled.some(({ annotated }) => annotated === "occurring"))
    return "assumed: in each labeled case the classes that occur in it; nothing says that a class was looked for and is absent";
  if (labeled.some(({ masks }) => masks !== undefined))
    return "files: a mask, also an empty one, means annotated; no mask, not annotated";
  if (labeled.some(({ annotated }) => annotated === "all")) return "assumed: every class, in every labeled case";
  return "listed, case by case";
}
