import { ClassSet, PlsegError } from "@plseg/core";
import {
  type DatasetReport,
  type InspectedCase,
  loadSourceCase,
  type SourceCase,
  type SourceDataset,
  writeFileAtomic,
} from "@plseg/data/node";
import { overlayPicture } from "../picture.js";
import { commandLine, versions } from "../versions.js";
import { renderReport } from "./render-report.js";
import type { ReportPicture } from "./report-data.js";

/** Pictures drawn at most, so that a report stays a page. */
const MOST_PICTURES = 24;

/** Problems shown at most. */
const MOST_PROBLEMS = 500;

/**
 * Writes what a dataset is as an HTML file: problems, classes, a picture of each case, and the three-state table.
 *
 * @throws DataError or ResourceError if it cannot be written. A case that cannot be read has no picture.
 */
export async function writeDatasetReport(
  path: string,
  source: SourceDataset,
  report: DatasetReport,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  const { root, name, layoutTitle, classes, labelValues, annotations, cases, problems } = report;
  const pictures: ReportPicture[] = [];
  // Labeled cases first: there is more to be seen.
  const drawn = [...source.cases.keys()]
    .sort((a, b) => Number(cases[b]?.labeled) - Number(cases[a]?.labeled))
    .slice(0, MOST_PICTURES);
  for (const [done, i] of drawn.entries()) {
    const entry = source.cases[i];
    const picture = entry && (await drawCase(entry, cases[i], report));
    if (picture) pictures.push(picture);
    onProgress?.(done + 1, drawn.length);
  }
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const training = cases.filter(({ part }) => part === "training");
  const states = (index: number, state: string): string =>
    String(training.filter((entry) => entry.classes[index]?.state === state).length);
  await writeFileAtomic(
    path,
    renderReport({
      title: `Dataset ${name}`,
      summary: `${layoutTitle}. Annotations: ${annotations}.`,
      figures: [
        { label: "Cases", value: String(cases.length), note: partsOf(cases) },
        { label: "Classes", value: String(classes.length - 1) },
        { label: "Labeled", value: String(cases.filter(({ labeled }) => labeled).length), note: "cases" },
        { label: "Problems", value: String(errors), note: `and ${problems.length - errors} warnings` },
      ],
      tables: [
        {
          title: "Problems",
          note: problems.length === 0 ? "None was found." : "Errors keep the dataset from being used.",
          head: problems.length === 0 ? [] : ["", "File", "Field", "What"],
          rows: problems
            .slice(0, MOST_PROBLEMS)
            .map(({ severity, file, field, message }) => [severity, file, field, message]),
        },
        {
          title: "Classes",
          note: "In how many training cases a class is present, was looked for and is absent, or is unannotated: nobody looked.",
          head: ["Class", "Value", "Present", "Absent", "Unannotated"],
          rows: classes
            .slice(1)
            .map((entry, i) => [
              ...[entry, String(labelValues[i + 1])],
              ...[states(i, "present"), states(i, "absent"), states(i, "unannotated")],
            ]),
        },
        {
          title: "Scans",
          head: ["Case", "Part", "Voxels", "Spacing, mm", "Intensity"],
          rows: cases
            .slice(0, MOST_PROBLEMS)
            .map(({ id, part, shape, spacing, intensity }) => [
              ...[id, part, shape?.join(" × ") ?? "unreadable"],
              spacing?.map((mm) => mm.toFixed(2)).join(" × ") ?? "",
              intensity?.map((value) => String(Math.round(value))).join(" to ") ?? "",
            ]),
        },
      ],
      pictures,
      classes,
      annotations: {
        classes: classes.slice(1),
        cases: cases.map((entry) => ({ id: entry.id, states: entry.classes.map(({ state }) => state) })),
      },
      configuration: { folder: root, layout: report.layout },
      versions: versions(),
      commandLine: commandLine(),
    }),
  );
}

/** `8 training, 2 test`. */
function partsOf(cases: readonly InspectedCase[]): string {
  const counts = (["training", "validation", "test"] as const).map(
    (part) => [cases.filter((entry) => entry.part === part).length, part] as const,
  );
  return counts.flatMap(([count, part]) => (count > 0 ? [`${count} ${part}`] : [])).join(", ");
}

/** An axial and a coronal slice with the labels on them; `undefined` if the case cannot be read. */
async function drawCase(
  entry: SourceCase,
  inspected: InspectedCase | undefined,
  { classes: names, labelValues }: DatasetReport,
): Promise<ReportPicture | undefined> {
  const sourceClasses = names.slice(1).map((name, i) => ({ name, value: labelValues[i + 1] ?? 0 }));
  try {
    const { image, labels: reference } = await loadSourceCase(entry, sourceClasses);
    const classes = new ClassSet(names);
    const draw = (plane: "axial" | "coronal"): Uint8Array =>
      overlayPicture({ image, reference, classes, plane, slice: "richest", plain: false });
    const known = inspected?.classes.filter(({ state }) => state === "present").map(({ name }) => name) ?? [];
    const caption = `${entry.id}: ${reference ? known.join(", ") || "nothing annotated is present" : "no labels"}`;
    return { caption, png: draw("axial"), beside: draw("coronal") };
  } catch (error) {
    if (error instanceof PlsegError) return undefined;
    throw error;
  }
}
