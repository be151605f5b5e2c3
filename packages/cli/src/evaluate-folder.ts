import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type AnnotationState, ClassSet, DataError, type LabelMap, suggest } from "@plseg/core";
import { type AnnotationManifest, annotatedClasses, readAnnotations, toCanonical } from "@plseg/data";
import { readLabelFile } from "@plseg/data/node";
import { type ClassScores, evaluateCase, type Metric, type Summary, summarize } from "@plseg/metrics";
import { listVolumes, type NamedVolume } from "./volume-names.js";

/** What is compared with what. */
export interface EvaluateFolderOptions {
  /** Folder of predicted label maps, or one file. */
  readonly predictions: string;
  /** Folder of reference label maps of the same names, or one file. */
  readonly references: string;
  /** `annotations.json`; by default the one in or beside the folder of references, see {@link evaluateFolder}. */
  readonly annotations?: string;
  /** Class names in the order of their label values, if no file tells them. */
  readonly classes?: readonly string[];
  /** Scores to compute. */
  readonly metrics: readonly Metric[];
  /** Called after each case. */
  readonly onProgress?: (done: number, total: number, id: string) => void;
}

/** In how many cases a class is what. */
export type StateCounts = Readonly<Record<AnnotationState, number>>;

/** A prediction beside its reference. */
export interface EvaluatedCase {
  /** Name of the files without extension. */
  readonly id: string;
  /** Path of the predicted label map. */
  readonly prediction: string;
  /** Path of the reference label map. */
  readonly reference: string;
  /** One entry per organ. */
  readonly scores: readonly ClassScores[];
}

/** What is found about a folder of predictions. */
export interface Evaluation {
  /** Names, background first. */
  readonly classes: readonly string[];
  /** Value of each class in the label files. */
  readonly labelValues: readonly number[];
  /** Scores that were computed. */
  readonly metrics: readonly Metric[];
  /** The file that says what is annotated, or `null` if every class counts as annotated. */
  readonly annotations: string | null;
  /** Scores of each case. */
  readonly cases: readonly EvaluatedCase[];
  /** By organ: in how many cases it is present, absent or unannotated. */
  readonly states: Readonly<Record<string, StateCounts>>;
  /** Means over cases by organ, and over organs. */
  readonly summary: Summary;
  /** What a reader of the scores should know. */
  readonly warnings: readonly string[];
}

/**
 * Scores predicted label maps against references of the same names, each class only in the cases that annotate it.
 *
 * What is annotated is told by `annotations`. Without it, an `annotations.json` in or beside the folder of references is
 * used if it lists any of the cases, unless the folder is `labelsTr_full`, which holds the whole truth. Otherwise every
 * class counts as annotated. Classes and their values come from the `dataset.json` found in the same places, from the
 * manifest, or from `classes`.
 *
 * @throws DataError if a reference has no prediction, a file cannot be read, holds a value that is no class, or lies on
 *   another grid than its partner, or if the classes are not known.
 */
export async function evaluateFolder(options: EvaluateFolderOptions): Promise<Evaluation> {
  const { predictions, references, metrics, onProgress } = options;
  const { pairs, warnings } = await pairVolumes(predictions, references);
  const ids = pairs.map(({ id }) => id);
  const known = await findClasses(options, ids);
  const { classes, labelValues, manifest } = known;
  if (manifest)
    for (const id of ids)
      if (!manifest.cases[id])
        warnings.push(
          `${known.annotations} does not list the case "${id}": nothing in it is annotated, so nothing counts`,
        );

  const cases: EvaluatedCase[] = [];
  for (const { id, prediction, reference } of pairs) {
    const read = (path: string): Promise<LabelMap> => readClassMap(path, { classes: classes.names, labelValues });
    const annotated = manifest ? annotatedClasses(manifest, classes, id) : classes.names.map(() => true);
    const maps = { prediction: await read(prediction), reference: await read(reference) };
    try {
      cases.push({ id, prediction, reference, scores: evaluateCase({ ...maps, classes, annotated, metrics }) });
    } catch (cause) {
      throw new DataError(`evaluate: the case "${id}": ${(cause as Error).message}`, { cause });
    }
    onProgress?.(cases.length, pairs.length, id);
  }
  return {
    classes: classes.names,
    labelValues,
    metrics,
    annotations: manifest ? known.annotations : null,
    cases,
    states: countStates(cases.map(({ scores }) => scores)),
    summary: summarize(cases.map(({ scores }) => scores)),
    warnings,
  };
}

interface Pair {
  readonly id: string;
  readonly prediction: string;
  readonly reference: string;
}

async function pairVolumes(predictions: string, references: string): Promise<{ pairs: Pair[]; warnings: string[] }> {
  const [predicted, reference] = [
    await listVolumes(predictions, { what: "predictions" }),
    await listVolumes(references, { what: "references" }),
  ];
  const [onePrediction, oneReference] = [predicted[0] as NamedVolume, reference[0] as NamedVolume];
  // Two files are a pair whatever their names.
  if (onePrediction.path === predictions && oneReference.path === references)
    return { pairs: [{ id: oneReference.id, prediction: predictions, reference: references }], warnings: [] };
  const partner = (id: string, among: readonly NamedVolume[]): NamedVolume | undefined =>
    among.find((volume) => volume.id === id);
  const wanted = onePrediction.path === predictions ? reference.filter(({ id }) => id === onePrediction.id) : reference;
  const missing = wanted.filter(({ id }) => !partner(id, predicted)).map(({ id }) => id);
  if (missing.length > 0 || wanted.length === 0)
    throw new DataError(
      `evaluate: there is no ${wanted.length === 0 ? `reference of the case ${onePrediction.id} in ${references}` : `prediction in ${predictions} of ${missing.length === 1 ? "the case" : `${missing.length} cases:`} ${missing.join(", ")}`}. Files are paired by name.`,
    );
  const extra = predicted.filter(({ id }) => !partner(id, reference));
  return {
    pairs: wanted.map(({ id, path }) => ({
      id,
      reference: path,
      prediction: partner(id, predicted)?.path as string,
    })),
    warnings: extra.map(({ path }) => `${path} has no reference and was left out`),
  };
}

interface KnownClasses {
  readonly classes: ClassSet;
  readonly labelValues: readonly number[];
  /** What is annotated, if not everything is. */
  readonly manifest: AnnotationManifest | null;
  readonly annotations: string | null;
}

async function findClasses(
  { references, annotations, classes }: EvaluateFolderOptions,
  ids: readonly string[],
): Promise<KnownClasses> {
  const folder = (await stat(references)).isDirectory() ? references : dirname(references);
  const beside = async (name: string): Promise<{ path: string; text: string } | undefined> => {
    for (const place of [folder, dirname(resolve(folder))]) {
      const path = join(place, name);
      const text = await readFile(path, "utf8").catch(() => undefined);
      if (text !== undefined) return { path, text };
    }
    return undefined;
  };
  const found = annotations === undefined ? await beside("annotations.json") : await given(annotations);
  const listed = found && readAnnotations(found.text, found.path);
  const applies =
    annotations !== undefined ||
    (basename(resolve(folder)) !== "labelsTr_full" && ids.some((id) => listed?.cases[id] !== undefined));
  const manifest = listed && applies ? listed : null;

  const dataset = await beside("dataset.json");
  const labels = dataset && readLabels(dataset.text, dataset.path);
  const names = classes ?? labels?.names ?? listed?.classes;
  if (!names)
    throw new DataError(
      `evaluate: the classes are not known: there is no dataset.json or annotations.json in or beside ${folder}. Name them with --classes background,liver,... in the order of their label values.`,
    );
  const set = new ClassSet(names);
  if (manifest) checkManifest(manifest, set, found?.path ?? "");
  const labelValues = classes || !labels ? set.names.map((_, index) => index) : labels.values;
  return { classes: set, labelValues, manifest, annotations: found?.path ?? null };
}

async function given(path: string): Promise<{ path: string; text: string }> {
  try {
    return { path, text: await readFile(path, "utf8") };
  } catch (cause) {
    throw new DataError(`evaluate: ${path} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

/** Every class that somebody annotated must be one of those that are scored. */
function checkManifest(manifest: AnnotationManifest, classes: ClassSet, path: string): void {
  const stranger = manifest.classes.find((name) => !classes.names.includes(name));
  if (stranger === undefined) return;
  throw new DataError(
    `evaluate: ${path} names the class "${stranger}".${suggest(stranger, classes.names)} Classes: ${classes.names.join(", ")}.`,
  );
}

/** The classes of `dataset.json` in the order of their values. */
function readLabels(text: string, path: string): { names: string[]; values: number[] } {
  let labels: unknown;
  try {
    ({ labels } = JSON.parse(text));
  } catch (cause) {
    throw new DataError(`evaluate: ${path} is not valid JSON: ${(cause as Error).message}.`, { cause });
  }
  const entries = Object.entries(labels ?? {});
  const wrong = entries.find(([, value]) => !Number.isInteger(value));
  if (entries.length === 0 || wrong)
    throw new DataError(
      `evaluate: ${path}: labels must give each class one whole number${wrong ? `, got ${JSON.stringify(wrong[1])} for "${wrong[0]}"` : ""}.`,
    );
  const ordered = (entries as [string, number][]).sort((a, b) => a[1] - b[1]);
  return { names: ordered.map(([name]) => name), values: ordered.map(([, value]) => value) };
}

/**
 * Reads a label map, turned to the canonical orientation, as class indices.
 *
 * @throws DataError if the file cannot be read, or holds a value that is no class.
 */
export async function readClassMap(
  path: string,
  { classes, labelValues }: Pick<Evaluation, "classes" | "labelValues">,
): Promise<LabelMap> {
  const { volume: map } = toCanonical(await readLabelFile(path));
  const indexOf = new Map(labelValues.map((value, index) => [value, index]));
  const data = classes.length <= 256 ? new Uint8Array(map.data.length) : new Uint16Array(map.data.length);
  for (let voxel = 0; voxel < data.length; voxel++) {
    const index = indexOf.get(map.data[voxel] as number);
    if (index === undefined)
      throw new DataError(
        `evaluate: ${path} holds the value ${map.data[voxel]}, which is no class. Classes: ${classes.map((name, i) => `${labelValues[i]} ${name}`).join(", ")}.`,
      );
    data[voxel] = index;
  }
  return { ...map, data };
}

function countStates(cases: readonly (readonly ClassScores[])[]): Record<string, StateCounts> {
  const counts: Record<string, Record<AnnotationState, number>> = {};
  for (const { class: name, state } of cases.flat()) {
    const count = counts[name] ?? { present: 0, absent: 0, unannotated: 0 };
    count[state]++;
    counts[name] = count;
  }
  return counts;
}
