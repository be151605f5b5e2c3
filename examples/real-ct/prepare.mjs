// `node prepare.mjs --out DIR [--scans DIR]`: lays out the shared CT as a partially annotated dataset.

import { parseArgs } from "node:util";
import { SCANS, writeRealCtDataset } from "./real-ct-dataset.mjs";

const { values } = parseArgs({ options: { out: { type: "string" }, scans: { type: "string" } } });
if (values.out === undefined) {
  console.error("prepare: --out DIR is needed. Example: node prepare.mjs --out real-ct/data");
  process.exit(2);
}
const { root, training, test } = await writeRealCtDataset({ scans: values.scans ?? SCANS, out: values.out });
console.log(`${root}: ${training.length} training cases, ${test.length} unlabeled ones`);
