import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { DataError } from "@plseg/core";
import * as v from "valibot";
import { parseJson } from "../../annotations.js";
import { foldersIn, namesIn, Problems, refuse, stemOf, volumesIn } from "./folder.js";
import type { Layout, SourceCase, SourceClass } from "./layout.js";

const PATTERN = [
  'dataset.json   {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "liver"},',
  '                "training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}], "test": ["./imagesTs/b.nii.gz"]}',
].join("\n");

const path = v.pipe(v.string(), v.nonEmpty("a path must not be empty"));

/** Datasets in this layout keep further keys, such as their license, so unknown ones are let through. */
const schema = v.looseObject({
  name: v.optional(v.string()),
  modality: v.optional(v.record(v.string(), v.string())),
  labels: v.record(
    v.pipe(v.string(), v.regex(/^\d{1,5}$/, "keys must be label values, names the values")),
    v.pipe(v.string(), v.nonEmpty()),
  ),
  training: v.array(v.looseObject({ image: path, label: path })),
  test: v.optional(v.array(v.union([path, v.pipe(v.array(path), v.minLength(1))])), []),
});

/** The Medical Segmentation Decathlon's layout. @see Antonelli et al., Nature Communications 2022, http://medicaldecathlon.com */
export const decathlon: Layout = {
  name: "decathlon",
  title: "Medical Segmentation Decathlon",
  pattern: PATTERN,

  async detect(dir) {
    const folders = await foldersIn(dir);
    if (folders.includes("imagesVal") || folders.some((name) => /^labelsTr_\d+$/.test(name))) return undefined;
    const text = await readFile(join(dir, "dataset.json"), "utf8").catch(() => "");
    try {
      const { training, channel_names: channels } = JSON.parse(text) as Record<string, unknown>;
      if (!Array.isArray(training) || channels !== undefined) return undefined;
      return `dataset.json with a list of ${training.length} training cases`;
    } catch {
      return undefined;
    }
  },

  async scan(dir) {
    const root = resolve(dir);
    const { name, classes, channels, training, test } = await readDecathlonDescription(root);
    const problems = new Problems();
    if (channels.length > 1)
      problems.error(
        "dataset.json",
        "modality",
        `one channel is expected, got ${channels.length}: ${channels.join(", ")}`,
      );
    const folders = new Map<string, readonly string[]>();
    const listed = async (file: string, where: string): Promise<string | undefined> => {
      const folder = join(root, file, "..");
      const names = folders.get(folder) ?? (await namesIn(folder)) ?? [];
      folders.set(folder, names);
      // nnU-Net v1 listed images without their channel.
      const numbered = basename(file).replace(/\.nii/, "_0000.nii");
      const name = [basename(file), numbered].find((candidate) => names.includes(candidate));
      if (name === undefined) problems.error("dataset.json", where, `it lists ${file}, which is not there`);
      return name === undefined ? undefined : join(folder, name);
    };
    const cases: SourceCase[] = [];
    for (const [i, entry] of training.entries()) {
      const image = await listed(entry.image, `training[${i}].image`);
      const labels = await listed(entry.label, `training[${i}].label`);
      if (image !== undefined && labels !== undefined)
        cases.push({ id: stemOf(entry.image), part: "training", image, labels, annotated: "all" });
    }
    for (const [i, file] of test.entries()) {
      const image = await listed(file, `test[${i}]`);
      if (image !== undefined) cases.push({ id: stemOf(file), part: "test", image, annotated: [] });
    }
    const known = new Set(cases.flatMap(({ image, labels }) => [image, labels]));
    for (const folder of ["imagesTr", "labelsTr", "imagesTs"])
      for (const file of await volumesIn(join(root, folder)))
        if (!known.has(join(root, folder, file)))
          problems.warn(`${folder}/${file}`, "file", "dataset.json does not list it, so it is left out");
    const twice = cases.find(({ id }, i) => cases.findIndex((other) => other.id === id) < i);
    if (twice) problems.error("dataset.json", "training", `two images are named ${twice.id}`);
    return { root, name, classes, cases, problems: problems.list };
  },
};

/** What `dataset.json` says. */
interface DecathlonDescription {
  readonly name: string;
  readonly classes: readonly SourceClass[];
  readonly channels: readonly string[];
  readonly training: readonly { readonly image: string; readonly label: string }[];
  readonly test: readonly string[];
}

/**
 * Names and values of classes, and the lists of files, from `dataset.json`.
 *
 * @throws DataError naming the field if it is missing or is not as this layout has it.
 */
export async function readDecathlonDescription(root: string): Promise<DecathlonDescription> {
  const file = join(root, "dataset.json");
  const text = await readFile(file, "utf8").catch(() => refuse("decathlon", root, "it has no dataset.json", PATTERN));
  const parsed = v.safeParse(schema, parseJson(text, file));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new DataError(
      `openSource: ${file}: ${v.getDotPath(issue) ?? "the whole file"}: ${issue.message}.\n${PATTERN}`,
    );
  }
  const classes: SourceClass[] = Object.entries(parsed.output.labels)
    .map(([value, name]) => ({ name, value: Number(value) }))
    .filter(({ value }) => value > 0)
    .sort((a, b) => a.value - b.value);
  if (classes.length === 0)
    throw new DataError(`openSource: ${file}: labels must name a class besides the background.`);
  const { name = basename(root), modality = {}, training, test } = parsed.output;
  // Of a test case with several channels the first is taken; that there are several is reported.
  const testImages = test.map((entry) => (typeof entry === "string" ? entry : (entry[0] ?? "")));
  return { name, classes, channels: Object.values(modality), training, test: testImages };
}
