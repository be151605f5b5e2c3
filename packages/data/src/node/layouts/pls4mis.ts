import { basename, join, resolve } from "node:path";
import { ConfigError } from "@plseg/core";
import { readDecathlonDescription } from "./decathlon.js";
import { count, foldersIn, namesIn, Problems, refuse, volumesIn } from "./folder.js";
import type { Layout, SourceCase } from "./layout.js";

const PATTERN = [
  "imagesTr/CASE.nii.gz    labelsTr/CASE.nii.gz (every class)   labelsTr_2/CASE.nii.gz (2 classes per case), labelsTr_4/, …",
  "imagesVal/CASE.nii.gz   labelsVal/CASE.nii.gz                imagesTs/, labelsTs/",
  'dataset.json            optional: {"labels": {"0": "background", "1": "liver"}, "training": []}',
].join("\n");

const BUDGET = /^labelsTr_(\d+)$/;

/**
 * PLS4MIS's layout, in which WORD comes: images and label maps of the same names. `labelsTr_2` and so on hold simulated
 * budgets, in which only the annotated classes are left, so only classes that occur count as annotated.
 *
 * @see https://github.com/HiLab-git/PLS4MIS
 */
export const pls4mis: Layout = {
  name: "pls4mis",
  title: "PLS4MIS",
  pattern: PATTERN,

  async detect(dir) {
    const folders = await foldersIn(dir);
    if (!folders.includes("imagesTr")) return undefined;
    const budgets = folders.filter((name) => BUDGET.test(name));
    const images = await volumesIn(join(dir, "imagesTr"));
    if (images.length === 0 || images.every((name) => /_0000\.nii/.test(name))) return undefined;
    if (!folders.includes("imagesVal") && budgets.length === 0) return undefined;
    const seen = ["imagesTr", ...(folders.includes("imagesVal") ? ["imagesVal"] : []), ...budgets];
    return `${seen.join(", ")}: images and label maps of the same names`;
  },

  async scan(dir, { budget } = {}) {
    const root = resolve(dir);
    const folders = await foldersIn(root);
    if (!folders.includes("imagesTr")) refuse("pls4mis", root, "it has no folder imagesTr", PATTERN);
    const labels = trainingLabels(root, folders, budget);
    const problems = new Problems();
    const cases: SourceCase[] = [
      ...(await pairFolders(root, "training", "imagesTr", labels, problems)),
      ...(await pairFolders(root, "validation", "imagesVal", "labelsVal", problems)),
      ...(await pairFolders(root, "test", "imagesTs", "labelsTs", problems)),
    ];
    const described = (await namesIn(root))?.includes("dataset.json")
      ? await readDecathlonDescription(root)
      : undefined;
    const name = described?.name ?? basename(root);
    return { root, name, classes: described?.classes, cases, problems: problems.list };
  },
};

/** The folder of label maps to train on. @throws ConfigError if there is no such budget, or several to choose from. */
function trainingLabels(root: string, folders: readonly string[], budget: number | undefined): string {
  const budgets = folders
    .flatMap((name) => BUDGET.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  if (budget !== undefined) {
    if (budgets.includes(budget)) return `labelsTr_${budget}`;
    throw new ConfigError(
      `openSource: ${root} has no labelsTr_${budget}. Budgets there: ${budgets.join(", ") || "none, only labelsTr"}.`,
    );
  }
  if (folders.includes("labelsTr")) return "labelsTr";
  const [only, ...others] = budgets;
  if (only !== undefined && others.length === 0) return `labelsTr_${only}`;
  throw new ConfigError(
    `openSource: ${root} has no labelsTr${budgets.length > 0 ? `, but ${budgets.map((n) => `labelsTr_${n}`).join(", ")}. Choose one with --budget ${only}` : " and no labelsTr_2 or the like"}.`,
  );
}

/** Cases of two folders whose files have the same names. */
async function pairFolders(
  root: string,
  part: SourceCase["part"],
  imageFolder: string,
  labelFolder: string,
  problems: Problems,
): Promise<SourceCase[]> {
  const images = await volumesIn(join(root, imageFolder));
  const labels = await volumesIn(join(root, labelFolder));
  for (const name of labels)
    if (!images.includes(name))
      problems.error(`${labelFolder}/${name}`, "file", `it has no image: ${imageFolder}/${name} is missing`);
  if (part === "training" && images.length === 0) problems.error(imageFolder, "file", "it holds no .nii.gz file");
  const budget = BUDGET.exec(labelFolder)?.[1];
  const known =
    budget === undefined ? { annotated: "all" as const } : { annotated: "occurring" as const, most: Number(budget) };
  const unlabeled = images.filter((name) => !labels.includes(name));
  if (labels.length > 0 && unlabeled.length > 0)
    problems.warn(
      labelFolder,
      "file",
      `${count(unlabeled.length, "image")} of ${imageFolder} without label map, such as ${unlabeled[0]}: nothing is annotated there`,
    );
  return images.map((name) => ({
    ...{ id: name.replace(/\.nii(\.gz)?$/, ""), part, image: join(root, imageFolder, name) },
    ...(labels.includes(name) ? { labels: join(root, labelFolder, name), ...known } : { annotated: [] }),
  }));
}
