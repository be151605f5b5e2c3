import { basename, join, resolve } from "node:path";
import { ConfigError } from "@plseg/core";
import { foldersIn, namesIn, Problems, refuse } from "./folder.js";
import type { Layout, LayoutOptions, SourceCase } from "./layout.js";

const PATTERN = [
  "CASE_ct.nii.gz   CASE_seg.nii.gz         in one folder (or _image, _img, _0000, none, and _label, _mask, _gt, …)",
  "images/CASE.nii.gz   labels/CASE.nii.gz   in two (or masks, segmentations, with or without suffixes)",
  "or as you say with --images '{case}_ct.nii.gz' --labels '{case}_seg.nii.gz'",
].join("\n");

/** What images and label maps of the same case are called, the clearest first. Case is ignored. */
const IMAGE_SUFFIXES = ["_ct", "-ct", "_image", "-image", "_img", "-img", "_scan", "_volume", "_orig", "_0000"];
const LABEL_SUFFIXES = [
  ...["_seg", "-seg", "_segmentation", "-segmentation", "_label", "-label", "_labels", "-labels", "_mask", "-mask"],
  ...["_gt", "_labelmap"],
];
const IMAGE_FOLDERS = ["images", "image", "scans", "ct", "imgs", "volumes"];
const LABEL_FOLDERS = ["labels", "label", "masks", "segmentations", "segs", "gt"];

/** Where images and label maps lie: paths with `{case}` in the place of the case's name. */
interface Patterns {
  readonly images: readonly string[];
  readonly labels: readonly string[];
}

/**
 * A plain folder of images and label maps, paired by name. Nothing says what was annotated, so only classes that occur
 * count as annotated.
 */
export const pairs: Layout = {
  name: "pairs",
  title: "pairs of image and label map",
  pattern: PATTERN,

  async detect(dir) {
    const { images, labels } = await guessPatterns(dir);
    if (images.length === 0 || labels.length === 0) return undefined;
    return `images such as ${images.join(" or ")}, label maps such as ${labels.join(" or ")}`;
  },

  async scan(dir, options = {}) {
    const root = resolve(dir);
    const { images, labels } = await patternsOf(root, options);
    if (images.length === 0)
      refuse("pairs", root, "no file in it is named as an image, such as CASE_ct.nii.gz", PATTERN);
    const problems = new Problems();
    const files = await filesOf(root);
    const found = new Map<string, string>();
    const maps = new Map<string, string>();
    for (const [patterns, known, what] of [
      [images, found, "images"],
      [labels, maps, "label maps"],
    ] as const)
      for (const pattern of patterns)
        for (const [id, file] of matches(pattern, files)) {
          const other = known.get(id);
          if (other !== undefined && other !== file)
            problems.error(file, "name", `${other} and it are both ${what} of the case ${id}`);
          else known.set(id, file);
        }
    const taken = new Set([...found.values(), ...maps.values()]);
    // A pattern without a suffix of its own also fits the label maps.
    for (const [id, file] of found) if ([...maps.values()].includes(file)) found.delete(id);
    for (const [id, file] of maps)
      if (!found.has(id))
        problems.error(
          file,
          "file",
          `it has no image: ${images.map((pattern) => pattern.replace("{case}", id)).join(" or ")} is missing`,
        );
    for (const file of files)
      if (/\.nii(\.gz)?$/.test(file) && !taken.has(file))
        problems.warn(
          file,
          "name",
          `it is neither ${images.join(" or ")} nor ${labels.join(" or ")}, so it is left out`,
        );
    if (found.size === 0) problems.error(".", "file", `no file is named ${images.join(" or ")}`);
    const cases = [...found]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, file]): SourceCase => {
        const map = maps.get(id);
        const entry = { id, part: "training" as const, image: join(root, file) };
        return map === undefined
          ? { ...entry, annotated: [] }
          : { ...entry, labels: join(root, map), annotated: "occurring" };
      });
    return { root, name: basename(root), classes: undefined, cases, problems: problems.list };
  },
};

/** The patterns that were given, or those that the names suggest. @throws ConfigError if one has no `{case}`. */
async function patternsOf(root: string, { images, labels }: LayoutOptions): Promise<Patterns> {
  for (const [name, pattern] of Object.entries({ images, labels }))
    if (pattern !== undefined && pattern.split("{case}").length !== 2)
      throw new ConfigError(
        `openSource: ${name} must have {case} once, where the case's name stands, such as "{case}_ct.nii.gz", got "${pattern}".`,
      );
  const guessed = images !== undefined && labels !== undefined ? { images: [], labels: [] } : await guessPatterns(root);
  return {
    images: images === undefined ? guessed.images : [images],
    labels: labels === undefined ? guessed.labels : [labels],
  };
}

/** Patterns by the usual suffixes in one folder, or by the usual folders. */
async function guessPatterns(dir: string): Promise<Patterns> {
  const files = (await namesIn(dir)) ?? [];
  const withSuffix = (suffixes: readonly string[]): string[] =>
    suffixes.flatMap((suffix) =>
      [".nii.gz", ".nii"].flatMap((ending) => {
        const end = suffix + ending;
        const file = files.find((name) => name.length > end.length && name.toLowerCase().endsWith(end));
        return file === undefined ? [] : [`{case}${file.slice(-end.length)}`];
      }),
    );
  const images = withSuffix(IMAGE_SUFFIXES);
  const labels = withSuffix(LABEL_SUFFIXES);
  if (labels.length > 0) return { images: images.length > 0 ? images : ["{case}.nii.gz"], labels };
  const folders = await foldersIn(dir);
  const imageFolder = folders.find((name) => IMAGE_FOLDERS.includes(name.toLowerCase()));
  const labelFolder = folders.find((name) => LABEL_FOLDERS.includes(name.toLowerCase()));
  if (imageFolder === undefined || labelFolder === undefined) return { images: [], labels: [] };
  const inside = async (folder: string, suffixes: readonly string[]): Promise<string[]> => {
    const names = ((await namesIn(join(dir, folder))) ?? []).filter((name) => /\.nii(\.gz)?$/.test(name));
    const suffix = suffixes.find(
      (end) => names.length > 0 && names.every((name) => new RegExp(`.${end}\\.nii(\\.gz)?$`, "i").test(name)),
    );
    const endings = [...new Set(names.map((name) => /\.nii(\.gz)?$/.exec(name)?.[0] ?? ""))];
    return endings.map((ending) => `${folder}/{case}${suffix ?? ""}${ending}`);
  };
  return { images: await inside(imageFolder, IMAGE_SUFFIXES), labels: await inside(labelFolder, LABEL_SUFFIXES) };
}

/** Files and folders up to two levels deep, as paths below the folder. */
async function filesOf(root: string, below = "", levels = 2): Promise<string[]> {
  const names = (await namesIn(join(root, below))) ?? [];
  const folders = levels > 0 ? await foldersIn(join(root, below)) : [];
  const inside = await Promise.all(folders.map((name) => filesOf(root, `${below}${name}/`, levels - 1)));
  return [...names.map((name) => below + name), ...inside.flat()];
}

/** Case and file of each file that fits a pattern. */
function matches(pattern: string, files: readonly string[]): (readonly [id: string, file: string])[] {
  const [before = "", after = ""] = pattern.split("{case}");
  return files.flatMap((file) => {
    const id = file.slice(before.length, file.length - after.length);
    const fits = file.startsWith(before) && file.endsWith(after) && id !== "" && !id.includes("/");
    return fits ? [[id, file] as const] : [];
  });
}
