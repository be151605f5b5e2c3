// A partially annotated dataset of real CT, laid out from the scans of the shared folder.

import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ClassSet, DataError } from "@plseg/core";
import { annotatedClasses, hideUnannotated, writeAnnotations } from "@plseg/data";
import { openDataset, readLabelFile, readVolumeFile, writeFileAtomic, writeVolumeFile } from "@plseg/data/node";

/** What the network learns, and which value the shared label maps give it. */
export const CLASSES = {
  background: 0,
  liver: 1,
  spleen: 2,
  left_kidney: 3,
  right_kidney: 4,
  stomach: 7,
  aorta: 9,
  urinary_bladder: 13,
};

/**
 * The cases with labels: what training is told, and what else their labels know. The latter is hidden from training and
 * scores what the network made of organs that it was not told in this case. Nobody may trust the spleen and the left
 * kidney of lidc0005, so they are neither.
 */
export const LABELED_CASES = {
  ts_example: {
    annotated: ["spleen", "left_kidney", "stomach", "aorta", "urinary_bladder"],
    hidden: ["liver", "right_kidney"],
  },
  lidc0001: { annotated: ["liver", "left_kidney"], hidden: ["spleen", "right_kidney"] },
  lidc0004: { annotated: ["liver", "spleen", "right_kidney"], hidden: ["left_kidney"] },
  lidc0005: { annotated: ["liver", "right_kidney"], hidden: [] },
};

/** Scans that nobody labeled. Training does not see them. */
export const UNLABELED_CASES = ["cort_liver", "lidc0002", "lidc0003", "lidc0314"];

/** The project's folder. */
const root = fileURLToPath(new URL("../../", import.meta.url));

/** Where the scans are: `data/ct3mm` in `$PLSEG_SHARED`, or in `shared` beside the project. */
export const SCANS = resolve(root, process.env.PLSEG_SHARED ?? "../shared", "data/ct3mm");

/**
 * Lays out the scans as a dataset in nnU-Net's layout:
 *
 * - `imagesTr`, `labelsTr`, `annotations.json`: the labeled cases, with only the annotated organs left in the labels;
 * - `labelsTr_full`: all that their labels know; `annotations_hidden.json` lists the organs training was not told;
 * - `imagesTs`: the unlabeled scans;
 * - `LICENSES.md`: where each scan comes from, and its license;
 * - `dataset.json`, written last, so that a folder that was left half-way is not taken for a dataset.
 *
 * @param {{ out: string, scans?: string }} folders - The one to write, and the one with the scans.
 * @returns The dataset, opened.
 * @throws DataError if the folder holds files, cannot be written, or a scan cannot be read.
 */
export async function writeRealCtDataset({ out, scans = SCANS }) {
  const existing = await readdir(out).catch(() => []);
  if (existing.length > 0)
    throw new DataError(`writeRealCtDataset: ${out} must be empty, it holds ${existing[0]}. Choose another folder.`);
  const classes = new ClassSet(Object.keys(CLASSES));
  const manifest = manifestOf(classes, ({ annotated }) => annotated);
  const everything = manifestOf(classes, ({ annotated, hidden }) => [...annotated, ...hidden]);
  for (const id of Object.keys(LABELED_CASES)) {
    await copyScan(join(scans, `${id}_ct.nii.gz`), join(out, "imagesTr", `${id}_0000.nii.gz`));
    const labels = toClassIndices(await readLabelFile(join(scans, `${id}_seg.nii.gz`)));
    for (const [folder, known] of [
      ["labelsTr", manifest],
      ["labelsTr_full", everything],
    ])
      await writeVolumeFile(
        join(out, folder, `${id}.nii.gz`),
        hideUnannotated(labels, annotatedClasses(known, classes, id)),
        { labels: true },
      );
  }
  for (const id of UNLABELED_CASES)
    await copyScan(join(scans, `${id}_unlabelled_ct.nii.gz`), join(out, "imagesTs", `${id}_0000.nii.gz`));
  const hidden = manifestOf(classes, (entry) => entry.hidden);
  await writeFileAtomic(join(out, "annotations.json"), writeAnnotations(manifest));
  await writeFileAtomic(join(out, "annotations_hidden.json"), writeAnnotations(hidden));
  await writeFileAtomic(join(out, "LICENSES.md"), LICENSES);
  const description = {
    name: "real-ct",
    description: "Abdominal CT at 3 mm, partially annotated",
    channel_names: { 0: "CT" },
    labels: Object.fromEntries(classes.names.map((name, index) => [name, index])),
    numTraining: Object.keys(LABELED_CASES).length,
    file_ending: ".nii.gz",
  };
  await writeFileAtomic(join(out, "dataset.json"), `${JSON.stringify(description, undefined, 2)}\n`);
  return openDataset(out);
}

function manifestOf(classes, choose) {
  const cases = Object.entries(LABELED_CASES).map(([id, entry]) => [id, { annotated: choose(entry) }]);
  return { version: 1, classes: classes.names, cases: Object.fromEntries(cases) };
}

/** Reads a scan before it is written, so that a damaged one is found here. */
async function copyScan(from, to) {
  const scan = await readVolumeFile(from);
  await writeVolumeFile(to, { ...scan, data: Int16Array.from(scan.data) });
}

/** The shared label values to class indices; organs that are no class here become background. */
function toClassIndices(labels) {
  const values = Object.values(CLASSES);
  return { ...labels, data: labels.data.map((value) => Math.max(values.indexOf(value), 0)) };
}

const LICENSES = `# Where the scans come from

All scans were resampled to 3 mm, clipped to -1024 to 2000 HU and cropped to the body. Of the labels only some organs were
kept. Nothing here is clinical ground truth reviewed by a physician.

| case | source | labels | license |
| --- | --- | --- | --- |
| ts_example | TotalSegmentator, https://github.com/wasserth/TotalSegmentator, commit 0e65a448, tests/reference_files | made by TotalSegmentator | Apache-2.0 |
| lidc0001, lidc0004, lidc0005 | LIDC-IDRI-0001, -0004, -0005, The Cancer Imaging Archive, https://doi.org/10.7937/K9/TCIA.2015.LO9QL9SX | weak: made by a network and a threshold rule, not reviewed | CC BY 3.0 |
| lidc0002, lidc0003, lidc0314 | LIDC-IDRI-0002, -0003, -0314, as above | none | CC BY 3.0 |
| cort_liver | CORT liver phantom patient, GigaDB, https://doi.org/10.5524/100110, by way of https://github.com/e0404/matRad, commit 9a925059 | none | CC0 |

Attribution for LIDC-IDRI: Armato SG III, McLennan G, Bidaut L, et al. The Lung Image Database Consortium (LIDC) and Image
Database Resource Initiative (IDRI): a completed reference database of lung nodules on CT scans. Medical Physics 38 (2011)
915-931. License: https://creativecommons.org/licenses/by/3.0/. Changes: as said above.
`;
