import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { scanDataset } from "../scan-dataset.js";
import { count, volumesIn } from "./folder.js";
import type { Layout, SourceCase } from "./layout.js";

const PATTERN = [
  'dataset.json                {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1}, "file_ending": ".nii.gz"}',
  "imagesTr/CASE_0000.nii.gz   labelsTr/CASE.nii.gz   (imagesTs/ and labelsTs/ may hold test cases)",
  'annotations.json            {"version": 1, "classes": […], "cases": {"CASE": {"annotated": ["liver"]}}}   (optional)',
].join("\n");

/** nnU-Net v2's raw layout, which is also ours. @see https://github.com/MIC-DKFZ/nnUNet, documentation/dataset_format.md */
export const nnunet: Layout = {
  name: "nnunet",
  title: "nnU-Net v2 raw",
  pattern: PATTERN,

  async detect(dir) {
    const text = await readFile(join(dir, "dataset.json"), "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    if (/"channel_names"/.test(text)) return "dataset.json with channel_names";
    const images = (await volumesIn(join(dir, "imagesTr"))).filter((name) => /_\d{4}\.nii(\.gz)?$/.test(name));
    // nnU-Net v1 named images so, and kept a list of them in dataset.json: see decathlon.
    if (images.length === 0 || /"training"/.test(text)) return undefined;
    return `dataset.json and ${count(images.length, "image")} named CASE_0000 in imagesTr`;
  },

  async scan(dir) {
    const { dataset, problems } = await scanDataset(dir);
    const { root, name, classes, labelValues } = dataset;
    const sourceCase = (part: SourceCase["part"], { id, image, labels, annotated }: (typeof dataset.training)[0]) => ({
      ...{ id, part, image },
      ...(labels !== undefined && { labels }),
      annotated:
        dataset.annotations === "assumed" && labels !== undefined
          ? ("all" as const)
          : classes.foreground.filter((_, index) => annotated[index + 1]),
    });
    return {
      root,
      name,
      classes: classes.foreground.map((entry, index) => ({ name: entry, value: labelValues[index + 1] ?? 0 })),
      cases: [
        ...dataset.training.map((entry) => sourceCase("training", entry)),
        ...dataset.test.map((entry) => sourceCase("test", entry)),
      ],
      problems,
    };
  },
};
