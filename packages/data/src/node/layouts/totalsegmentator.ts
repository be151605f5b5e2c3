import { basename, resolve } from "node:path";
import { count, Problems, refuse } from "./folder.js";
import type { Layout, SourceCase } from "./layout.js";
import { classesOfMasks, organCase, organFolders, splitOf } from "./organ-folders.js";

const PATTERN = [
  "CASE/ct.nii.gz   CASE/segmentations/ORGAN.nii.gz: a mask per organ, empty if the organ is not in the scan; none if nobody looked",
  "meta.csv         optional: columns image_id and split (train, val, test)",
].join("\n");

/** TotalSegmentator's layout: a folder per case, a mask per organ. @see Wasserthal et al., Radiology: AI 2023 */
export const totalsegmentator: Layout = {
  name: "totalsegmentator",
  title: "TotalSegmentator",
  pattern: PATTERN,

  async detect(dir) {
    const folders = await organFolders(dir);
    const withMasks = folders.filter(({ names }) => names.includes("segmentations"));
    const isAtlas = folders.some(
      ({ id, names }) => id.startsWith("BDMAP_") || names.includes("combined_labels.nii.gz"),
    );
    if (withMasks.length === 0 || isAtlas) return undefined;
    return `${count(withMasks.length, "folder")} with masks in segmentations/, such as ${withMasks[0]?.id}`;
  },

  async scan(dir) {
    const root = resolve(dir);
    const problems = new Problems();
    const parts = await splitOf(root);
    const cases: SourceCase[] = [];
    for (const { id } of await organFolders(root)) {
      const found = await organCase(root, id, parts.get(id) ?? "training", problems);
      if (found) cases.push(found);
    }
    if (cases.length + problems.list.length === 0)
      refuse("totalsegmentator", root, "no folder in it holds ct.nii.gz", PATTERN);
    return { root, name: basename(root), classes: classesOfMasks(cases), cases, problems: problems.list };
  },
};
