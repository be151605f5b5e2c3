import { basename, join, resolve } from "node:path";
import { count, foldersIn, namesIn, Problems, refuse, volumeNamed, volumesIn } from "./folder.js";
import type { Layout, SourceCase } from "./layout.js";

const PATTERN = [
  "imagesTr/FLARE23_0001_0000.nii.gz   labelsTr/FLARE23_0001.nii.gz   (or images/ and labels/; no dataset.json)",
  "imagesVal/, labelsVal/, imagesTs/, labelsTs/ may hold validation and test cases; folders may have a count: imagesTr2200",
].join("\n");

/** Label values of FLARE 2022, and from 2023 on with tumors. */
const CLASSES = [
  ...["liver", "right_kidney", "spleen", "pancreas", "aorta", "inferior_vena_cava", "right_adrenal_gland"],
  ...["left_adrenal_gland", "gallbladder", "esophagus", "stomach", "duodenum", "left_kidney", "tumor"],
];

const PARTS = [
  { part: "training", images: /^(images(Tr\d*)?|unlabell?(ed)?(Tr)?\d*)$/i, labels: /^labels(Tr\d*)?$/ },
  { part: "validation", images: /^imagesVal$/, labels: /^labelsVal$/ },
  { part: "test", images: /^imagesTs$/, labels: /^labelsTs$/ },
] as const;

const CHANNEL = /_0000\.nii(\.gz)?$/;

/**
 * FLARE's layout: nnU-Net's file names without `dataset.json`. Label maps are partial from 2023 on: 0 is unlabeled, so
 * only classes that occur count as annotated.
 *
 * @see Ma et al., "The FLARE 2023 Challenge", https://arxiv.org/abs/2408.12534
 */
export const flare: Layout = {
  name: "flare",
  title: "FLARE",
  pattern: PATTERN,

  async detect(dir) {
    const names = (await namesIn(dir)) ?? [];
    if (names.includes("dataset.json")) return undefined;
    for (const folder of names.filter((name) => PARTS[0].images.test(name))) {
      const images = (await volumesIn(join(dir, folder))).filter((name) => CHANNEL.test(name));
      const flareImages = images.filter((name) => /^FLARE/i.test(name) || /FLARE/i.test(basename(resolve(dir))));
      if (flareImages.length > 0) return `${count(flareImages.length, "image")} of FLARE in ${folder}, no dataset.json`;
    }
    return undefined;
  },

  async scan(dir) {
    const root = resolve(dir);
    const folders = await foldersIn(root);
    const problems = new Problems();
    const cases: SourceCase[] = [];
    for (const { part, images, labels } of PARTS) {
      const imageFolders = folders.filter((name) => images.test(name));
      const labelFolders = folders.filter((name) => labels.test(name));
      const used = new Set<string>();
      for (const folder of imageFolders)
        for (const name of await volumesIn(join(root, folder))) {
          const id = name.replace(CHANNEL, "");
          if (id === name) {
            problems.error(`${folder}/${name}`, "name", `images must be named CASE_0000.nii.gz, got ${name}`);
            continue;
          }
          const maps: string[] = [];
          for (const labelFolder of labelFolders) {
            const map = await volumeNamed(join(root, labelFolder), id);
            if (map !== undefined) maps.push(map);
          }
          const [map] = maps;
          if (maps.length > 1)
            problems.error(`${folder}/${name}`, "file", `it has ${maps.length} label maps: ${maps.join(", ")}`);
          if (map !== undefined) used.add(map);
          const found = { id, part, image: join(root, folder, name) };
          cases.push(
            map === undefined ? { ...found, annotated: [] } : { ...found, labels: map, annotated: "occurring" },
          );
        }
      for (const folder of labelFolders)
        for (const name of await volumesIn(join(root, folder)))
          if (!used.has(join(root, folder, name)))
            problems.error(
              `${folder}/${name}`,
              "file",
              `it has no image: there is no ${name.replace(/\.nii/, "_0000.nii")}`,
            );
    }
    if (cases.length === 0)
      refuse("flare", root, "no folder imagesTr or images holds an image named CASE_0000.nii.gz", PATTERN);
    const classes = CLASSES.map((name, index) => ({ name, value: index + 1 }));
    return { root, name: basename(root), classes, cases, problems: problems.list };
  },
};
