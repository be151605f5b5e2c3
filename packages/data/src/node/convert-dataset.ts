import { createHash } from "node:crypto";
import { appendFile, readdir, readFile, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DataError } from "@plseg/core";
import { writeAnnotations } from "../annotations.js";
import { checkEmptyFolder } from "./check-empty-folder.js";
import type { ConversionConfig } from "./conversion-config.js";
import { type ConvertedCase, casePaths, convertCase } from "./convert-case.js";
import { type ConversionPlan, planConversion } from "./plan-conversion.js";
import { writeDescription } from "./write-description.js";
import { writeFileAtomic } from "./write-file-atomic.js";

/** Options of {@link convertDataset}. */
export interface ConvertDatasetOptions {
  /** Which datasets become one, and how. */
  readonly config: ConversionConfig;
  /** The folder to write: it must be empty, not exist, or hold the unfinished beginning of the same conversion. */
  readonly out: string;
  /** Makes hard links to .nii.gz images instead of copies, where that is possible. */
  readonly link?: boolean;
  /** Stops after the case at hand. */
  readonly signal?: AbortSignal;
  /** Called after each case with how many are done. */
  readonly onProgress?: (done: number, total: number, id: string) => void;
}

/** What a conversion did. */
export interface ConversionResult {
  /** Path of the dataset. */
  readonly root: string;
  /** Of the dataset, background first. */
  readonly classes: readonly string[];
  /** The cases that are done. */
  readonly cases: readonly ConvertedCase[];
  /** How many of them had been done before. */
  readonly resumed: number;
  /** Whether it is complete: `false` if it was stopped. */
  readonly complete: boolean;
}

/** The list of what is done while a conversion is not complete, and what is left of it afterwards. */
const JOURNAL = "conversion.jsonl";
const RECORD = "conversion.json";

/**
 * Converts datasets of any known layout into one of ours: nnU-Net v2's raw layout with `annotations.json`, and
 * `conversion.json`, which says where each case comes from. Case by case, every file whole or not at all, and
 * `dataset.json` last; a conversion that was stopped goes on where it was if it is called again.
 *
 * @throws ConfigError, DataError as {@link planConversion}; DataError if the folder holds anything else, a file cannot be read
 *   or written, or labels do not fit to their image; ResourceError if the disk is full.
 */
export async function convertDataset(options: ConvertDatasetOptions): Promise<ConversionResult> {
  const { config, out, link = false, signal, onProgress } = options;
  const plan = await planConversion(config);
  const root = resolve(out);
  const done = await openJournal(root, await hashOf(plan));
  const cases: ConvertedCase[] = [];
  for (const planned of plan.cases) {
    if (signal?.aborted) break;
    const before = done.get(planned.id);
    const converted = before ?? (await convertCase(plan, planned, root, link));
    if (!before) await appendFile(join(root, JOURNAL), `${JSON.stringify(converted)}\n`);
    cases.push(converted);
    onProgress?.(cases.length, plan.cases.length, planned.id);
  }
  const complete = cases.length === plan.cases.length;
  if (complete) await finish(plan, cases, root);
  return { root, classes: plan.classes.names, cases, resumed: done.size, complete };
}

async function finish(
  { name, description, classes, sources, order }: ConversionPlan,
  cases: readonly ConvertedCase[],
  root: string,
) {
  const listed = cases.filter(({ labeled, part }) => labeled || part === "training");
  const entries = listed.map(({ id, annotated }) => [id, { annotated }] as const);
  const manifest = { version: 1, classes: classes.names, cases: Object.fromEntries(entries) } as const;
  await writeFileAtomic(join(root, "annotations.json"), writeAnnotations(manifest));
  const origins = sources.map(({ dataset, targets, license, reference }) => ({
    ...{ path: dataset.root, layout: dataset.layout, license, reference },
    map: Object.fromEntries([...targets].map(([from, to]) => [from, to === 0 ? null : (classes.names[to] ?? null)])),
  }));
  const overlap = order.map((index) => classes.names[index]);
  const record = { version: 1, sources: origins, overlap, cases };
  await writeFileAtomic(join(root, RECORD), `${JSON.stringify(record, undefined, 2)}\n`);
  const joined = (texts: readonly (string | undefined)[]): string => [...new Set(texts.filter(Boolean))].join("; ");
  const [licence, reference] = [joined(sources.map((s) => s.license)), joined(sources.map((s) => s.reference))];
  await writeDescription(root, {
    ...{ name, description, classes: classes.names },
    numTraining: cases.filter(({ part, labeled }) => part === "training" && labeled).length,
    ...(reference !== "" && { reference }),
    ...(licence !== "" && { licence }),
  });
  await rm(join(root, JOURNAL), { force: true });
}

/** SHA-256 of the plan, and of sizes and times of all files that it reads. */
async function hashOf({ classes, order, sources, cases }: ConversionPlan): Promise<string> {
  const hash = createHash("sha256");
  const stamp = async (path: string): Promise<string> => {
    const { size, mtimeMs } = await stat(path).catch(() => ({ size: -1, mtimeMs: 0 }));
    return `${path} ${size} ${mtimeMs}`;
  };
  hash.update(JSON.stringify([classes.names, order, sources.map(({ targets }) => [...targets])]));
  for (const { id, part, source, entry, annotated } of cases) {
    const files = [
      entry.image,
      ...(entry.labels === undefined ? [] : [entry.labels]),
      ...(entry.masks?.values() ?? []),
    ];
    hash.update(JSON.stringify([id, part, source, annotated ?? entry.annotated, await Promise.all(files.map(stamp))]));
  }
  return hash.digest("hex");
}

/**
 * Begins a journal, or reads the one of the same conversion.
 *
 * @returns The cases that are done, by name.
 * @throws DataError if the folder holds something else.
 */
async function openJournal(root: string, hash: string): Promise<ReadonlyMap<string, ConvertedCase>> {
  const path = join(root, JOURNAL);
  const names: readonly string[] = await readdir(root).catch(() => []);
  if (!names.includes(JOURNAL)) {
    if (names.includes("dataset.json"))
      throw new DataError(
        `convertDataset: ${root} holds a dataset already, and nothing is overwritten. Choose another folder.`,
      );
    await checkEmptyFolder("convertDataset", root);
    await writeFileAtomic(path, `${JSON.stringify({ version: 1, plan: hash })}\n`);
    return new Map();
  }
  const text = await readFile(path, "utf8");
  // A line without an end was cut off when the conversion was stopped.
  const [head = "{}", ...lines] = text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line !== "");
  if ((JSON.parse(head) as { plan?: string }).plan !== hash)
    throw new DataError(
      `convertDataset: ${root} holds the beginning of another conversion: of other files, or with other settings. Empty it, or choose another folder.`,
    );
  await removeLeftOver(root);
  await writeFileAtomic(path, [head, ...lines, ""].join("\n"));
  const cases = lines.map((line) => JSON.parse(line) as ConvertedCase);
  const complete = [];
  for (const entry of cases) {
    const { image, labels } = casePaths(root, entry);
    const files = entry.labeled ? [image, labels] : [image];
    if (
      (
        await Promise.all(
          files.map((file) =>
            stat(file).then(
              () => true,
              () => false,
            ),
          ),
        )
      ).every(Boolean)
    )
      complete.push(entry);
  }
  return new Map(complete.map((entry) => [entry.id, entry]));
}

/** Removes what a process that was killed had begun to write. */
async function removeLeftOver(root: string): Promise<void> {
  for (const folder of ["", "imagesTr", "labelsTr", "imagesTs", "labelsTs"])
    for (const name of await readdir(join(root, folder)).catch(() => []))
      if (/\.tmp-\d+-[0-9a-f]{8}$/.test(name)) await rm(join(root, folder, name), { force: true });
}
