// Real CT with label maps in the classes of 16-organ phantoms.

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { phantomClasses, writeAnnotations } from "@plseg/data";
import { readLabelFile, readVolumeFile, writeFileAtomic, writeVolumeFile } from "@plseg/data/node";

/** The project's folder. */
const root = fileURLToPath(new URL("../../", import.meta.url));

/** Where the scans are: `data/ct3mm` in `$PLSEG_SHARED`, or in `shared` beside the project. */
export const SCANS = resolve(root, process.env.PLSEG_SHARED ?? "../shared", "data/ct3mm");

/** What the values of the scans' label maps are called in phantoms; the great vessels have no class there. */
const NAMES = {
  ...{ 1: "liver", 2: "spleen", 3: "left_kidney", 4: "right_kidney", 5: "pancreas", 6: "gallbladder", 7: "stomach" },
  ...{ 8: "duodenum", 11: "adrenal", 12: "adrenal", 13: "bladder" },
};

/** The scans, and which of their organs are labeled. */
const CASES = {
  ts_example: [...new Set(Object.values(NAMES))],
  lidc0001: ["liver", "spleen", "left_kidney", "right_kidney"],
  lidc0004: ["liver", "spleen", "left_kidney", "right_kidney"],
};

/**
 * Writes `images`, `labels` in the classes of a 16-organ phantom, and `annotations.json`, which says what is labeled.
 *
 * @param {string} out - The folder.
 */
export async function writeRealReferences(out) {
  const classes = phantomClasses(16);
  const table = Object.entries(NAMES).map(([value, name]) => [Number(value), classes.indexOf(name)]);
  const indices = new Map(table);
  for (const id of Object.keys(CASES)) {
    const scan = await readVolumeFile(join(SCANS, `${id}_ct.nii.gz`));
    await writeVolumeFile(join(out, "images", `${id}_0000.nii.gz`), { ...scan, data: Int16Array.from(scan.data) });
    const labels = await readLabelFile(join(SCANS, `${id}_seg.nii.gz`));
    const data = Uint8Array.from(labels.data, (value) => indices.get(value) ?? 0);
    await writeVolumeFile(join(out, "labels", `${id}.nii.gz`), { ...labels, data }, { labels: true });
  }
  const cases = Object.fromEntries(Object.entries(CASES).map(([id, annotated]) => [id, { annotated }]));
  await writeFileAtomic(join(out, "annotations.json"), writeAnnotations({ version: 1, classes: classes.names, cases }));
}
