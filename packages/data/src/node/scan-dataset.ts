import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { ClassSet, DataError, PlsegError, suggest } from "@plseg/core";
import * as v from "valibot";
import { type AnnotationManifest, annotatedClasses, parseJson, readAnnotations } from "../annotations.js";
import type { Dataset, DatasetCase, DatasetProblem } from "./dataset.js";
import { readBytes } from "./read-bytes.js";

/** What was found in a folder: the dataset as far as it can be understood, and all that is wrong with its list of files. */
export interface DatasetScan {
  readonly dataset: Dataset;
  readonly problems: readonly DatasetProblem[];
}

/** How the layout looks, for error messages. */
const LAYOUT = [
  "A dataset is a folder in nnU-Net v2's raw layout (plseg data convert makes one of other layouts):",
  '  dataset.json            {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1}, "numTraining": 1, "file_ending": ".nii.gz"}',
  "  imagesTr/CASE_0000.nii.gz   labelsTr/CASE.nii.gz   (imagesTs/ and labelsTs/ may hold test cases)",
  '  annotations.json        {"version": 1, "classes": ["background", "liver"], "cases": {"CASE": {"annotated": ["liver"]}}}   (optional)',
].join("\n");

/** nnU-Net and its users keep further keys in dataset.json, so unknown ones are let through. */
const descriptionSchema = v.looseObject({
  channel_names: v.record(v.string(), v.string()),
  labels: v.record(
    v.pipe(v.string(), v.nonEmpty()),
    v.pipe(
      v.number("must be one whole number per class; nnU-Net's region-based labels (lists) are not supported"),
      v.integer(),
      v.minValue(0),
      v.maxValue(65_535),
    ),
  ),
  numTraining: v.optional(v.number()),
  file_ending: v.picklist([".nii.gz", ".nii"]),
  name: v.optional(v.string()),
});

type Report = (file: string, field: string, message: string, severity?: DatasetProblem["severity"]) => void;

/**
 * Reads `dataset.json`, `annotations.json` and the names of all files.
 *
 * @throws DataError if there is no such folder, or `dataset.json` is missing or does not say which classes there are.
 */
export async function scanDataset(dir: string): Promise<DatasetScan> {
  const root = resolve(dir);
  const entries = await listFolder(root);
  if (!entries) throw new DataError(`openDataset: ${root} is not a folder that can be read.\n${LAYOUT}`);
  if (!entries.includes("dataset.json")) throw new DataError(`openDataset: ${root} has no dataset.json.\n${LAYOUT}`);
  const problems: DatasetProblem[] = [];
  const report: Report = (file, field, message, severity = "error") =>
    problems.push({ file, field, message, severity });

  const { names, values, ending, description } = await readDescription(join(root, "dataset.json"), report);
  const classes = new ClassSet(names);
  const manifest = entries.includes("annotations.json") ? await readManifest(root, classes, report) : undefined;
  if (!entries.includes("annotations.json"))
    report(
      "annotations.json",
      "file",
      "there is no annotations.json, so every class is taken as annotated in every labeled case",
      "warning",
    );

  const images = await listCases(root, "imagesTr", `_0000${ending}`, report);
  const labels = await listCases(root, "labelsTr", ending, report);
  for (const id of labels.keys())
    if (!images.has(id))
      report(`labelsTr/${id}${ending}`, "file", `it has no image: imagesTr/${id}_0000${ending} is missing`);
  if (images.size === 0) report("imagesTr", "file", `there is no image named CASE_0000${ending}`);
  if (description.numTraining !== undefined && description.numTraining !== labels.size)
    report(
      "dataset.json",
      "numTraining",
      `it is ${description.numTraining}, but labelsTr has ${labels.size} label files`,
      "warning",
    );
  const known = (id: string): readonly boolean[] => {
    if (manifest === undefined) return names.map((_, index) => index === 0 || labels.has(id));
    // Of an unusable manifest nothing is believed: no organ counts as annotated.
    return manifest === "unusable" ? names.map((_, index) => index === 0) : annotatedClasses(manifest, classes, id);
  };

  const testImages = await listCases(root, "imagesTs", `_0000${ending}`, report);
  const testLabels = await listCases(root, "labelsTs", ending, report);
  for (const id of testLabels.keys())
    if (!testImages.has(id))
      report(`labelsTs/${id}${ending}`, "file", `it has no image: imagesTs/${id}_0000${ending} is missing`);
  if (typeof manifest === "object") {
    checkManifestCases(manifest, [...images.keys(), ...testImages.keys()], new Map([...testLabels, ...labels]), report);
    for (const id of labels.keys())
      if (!(id in manifest.cases))
        report("annotations.json", "cases", `the labeled case "${id}" is missing. List it, if need be with no class`);
  }
  // Held-out cases that the manifest does not list are labeled completely.
  const knownOfTest = (id: string): readonly boolean[] =>
    typeof manifest === "object" && id in manifest.cases
      ? known(id)
      : names.map((_, index) => index === 0 || testLabels.has(id));

  const dataset: Dataset = {
    root,
    name: description.name ?? basename(root),
    classes,
    labelValues: values,
    training: [...images].map(([id, image]) => caseOf(id, image, labels.get(id), known(id))),
    test: [...testImages].map(([id, image]) => caseOf(id, image, testLabels.get(id), knownOfTest(id))),
    annotations: manifest ? "manifest" : "assumed",
  };
  return { dataset, problems };
}

function caseOf(id: string, image: string, labels: string | undefined, annotated: readonly boolean[]): DatasetCase {
  return labels === undefined ? { id, image, annotated } : { id, image, labels, annotated };
}

async function listFolder(path: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(path)).sort();
  } catch {
    return undefined;
  }
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(path));
}

/** Class names and values in the order of the values, from dataset.json. */
async function readDescription(path: string, report: Report) {
  const parsed = v.safeParse(descriptionSchema, parseJson(await readText(path), path));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new DataError(
      `openDataset: ${path}: ${v.getDotPath(issue) ?? "the whole file"}: ${issue.message}.\n${LAYOUT}`,
    );
  }
  const description = parsed.output;
  const entries = Object.entries(description.labels).sort(([, a], [, b]) => a - b);
  const names = entries.map(([name]) => name);
  const values = entries.map(([, value]) => value);
  const fail = (rule: string): never => {
    throw new DataError(`openDataset: ${path}: labels ${rule}.`);
  };
  if (names[0] !== "background" || values[0] !== 0)
    fail(`must have "background": 0, got ${JSON.stringify(description.labels)}`);
  if (names.length < 2) fail("must name a class besides the background");
  if (names.includes("ignore"))
    fail('must not have an "ignore" label: voxel-wise ignored regions are not supported yet');
  const twice = values.find((value, i) => values[i - 1] === value);
  if (twice !== undefined) fail(`must be different numbers, got ${twice} twice`);
  const channels = Object.keys(description.channel_names);
  if (channels.length !== 1)
    report(
      "dataset.json",
      "channel_names",
      `one channel is expected, got ${channels.length}: only _0000 files are read`,
    );
  return { names, values, ending: description.file_ending, description };
}

/** annotations.json, if it can be read and has the classes of dataset.json. */
async function readManifest(root: string, classes: ClassSet, report: Report): Promise<AnnotationManifest | "unusable"> {
  const file = "annotations.json";
  try {
    const manifest = readAnnotations(await readText(join(root, file)), file);
    for (const name of manifest.classes)
      if (!classes.names.includes(name))
        report(file, "classes", `"${name}" is not a label of dataset.json.${suggest(name, classes.names)}`);
    for (const name of classes.names)
      if (!manifest.classes.includes(name)) report(file, "classes", `"${name}" of dataset.json is missing`);
    return manifest;
  } catch (error) {
    if (!(error instanceof PlsegError)) throw error;
    report(file, "file", error.message);
    return "unusable";
  }
}

function checkManifestCases(
  manifest: AnnotationManifest,
  ids: readonly string[],
  labels: ReadonlyMap<string, string>,
  report: Report,
): void {
  const file = "annotations.json";
  for (const [id, { annotated }] of Object.entries(manifest.cases)) {
    if (!ids.includes(id))
      report(file, `cases.${id}`, `there is no image of the case "${id}" in imagesTr or imagesTs.${suggest(id, ids)}`);
    else if (annotated.length > 0 && !labels.has(id))
      report(file, `cases.${id}`, `it is annotated with ${annotated.join(", ")}, but has no label file`);
  }
}

/** Paths by case of the files in a folder that end as they should; others are reported. */
async function listCases(root: string, folder: string, suffix: string, report: Report): Promise<Map<string, string>> {
  const names = (await listFolder(join(root, folder))) ?? [];
  const cases = new Map<string, string>();
  for (const name of names) {
    if (name.startsWith(".")) continue;
    const id = name.endsWith(suffix) ? name.slice(0, -suffix.length) : "";
    if (id !== "") cases.set(id, join(root, folder, name));
    else report(`${folder}/${name}`, "name", `files here must be named CASE${suffix}, got ${name}`);
  }
  return cases;
}
