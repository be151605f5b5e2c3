import { basename, join, resolve } from "node:path";
import { count, Problems, refuse, volumeNamed } from "./folder.js";
import type { Layout, SourceCase } from "./layout.js";
import { classesOfMasks, organCase, organFolders } from "./organ-folders.js";

const PATTERN =
  "CASE/ct.nii.gz   CASE/segmentations/ORGAN.nii.gz (a mask per organ)   CASE/combined_labels.nii.gz (read where there are no masks)";

/** Values of `combined_labels.nii.gz`: the first nine are those of version 1.0, all those of 1.1. */
const COMBINED = [
  ...["aorta", "gall_bladder", "kidney_left", "kidney_right", "liver", "pancreas", "postcava", "spleen", "stomach"],
  ...["adrenal_gland_left", "adrenal_gland_right", "bladder", "celiac_trunk", "colon", "duodenum", "esophagus"],
  ...["femur_left", "femur_right", "hepatic_vessel", "intestine", "lung_left", "lung_right"],
  ...["portal_vein_and_splenic_vein", "prostate", "rectum"],
];

/**
 * AbdomenAtlas' layout: a folder per case, a mask per organ, and all organs in one file. The masks are read where there
 * are any, since they say which organs were looked for; of the one file only organs that occur count as annotated.
 *
 * @see Qu et al., NeurIPS 2023, and Li et al., Medical Image Analysis 2024; https://github.com/MrGiovanni/AbdomenAtlas
 */
export const abdomenatlas: Layout = {
  name: "abdomenatlas",
  title: "AbdomenAtlas",
  pattern: PATTERN,

  async detect(dir) {
    const folders = await organFolders(dir);
    const found = folders.filter(
      ({ id, names }) => id.startsWith("BDMAP_") || names.includes("combined_labels.nii.gz"),
    );
    if (found.length === 0) return undefined;
    return `${count(found.length, "folder")} with combined_labels.nii.gz or named BDMAP_…, such as ${found[0]?.id}`;
  },

  async scan(dir) {
    const root = resolve(dir);
    const problems = new Problems();
    const cases: SourceCase[] = [];
    for (const { id } of await organFolders(root)) {
      const found = await organCase(root, id, "training", problems);
      if (!found) continue;
      const combined = found.masks ? undefined : await volumeNamed(join(root, id), "combined_labels");
      cases.push(combined === undefined ? found : { ...found, labels: combined, annotated: "occurring" });
    }
    if (cases.length + problems.list.length === 0)
      refuse("abdomenatlas", root, "no folder in it holds ct.nii.gz", PATTERN);
    // Masks are named, so the values only matter where a combined file is read.
    const named = classesOfMasks(cases).filter(({ name }) => !COMBINED.includes(name));
    const combined = cases.some(({ labels }) => labels !== undefined);
    const used = new Set(cases.flatMap(({ masks }) => [...(masks?.keys() ?? [])]));
    const classes = COMBINED.map((name, index) => ({ name, value: index + 1 })).filter(
      ({ name }) => combined || used.has(name),
    );
    const others = named.map(({ name }, index) => ({ name, value: COMBINED.length + 1 + index }));
    return { root, name: basename(root), classes: [...classes, ...others], cases, problems: problems.list };
  },
};
