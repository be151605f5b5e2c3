// `node pictures.mjs [--out DIR]`: the pictures of docs/phantoms.md and of the README of @plseg/data.

import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Random, spacingOf } from "@plseg/core";
import { applyAugmentation, drawAugmentation, makePhantom, windowIntensity } from "@plseg/data";
import { readLabelFile, readVolumeFile, writeFileAtomic } from "@plseg/data/node";
import { contactSheet, section } from "./contact-sheet.mjs";
import { SCANS } from "./real-references.mjs";

const pictures = fileURLToPath(new URL("../../docs/pictures", import.meta.url));
const { values } = parseArgs({ options: { out: { type: "string", default: pictures } } });
await mkdir(values.out, { recursive: true });
const write = (name, png) => writeFileAtomic(join(resolve(values.out), name), png);

// Above the hips, at the kidneys, at the liver, and from the front: heights in millimeters over the hip joints.
const ct = await readVolumeFile(join(SCANS, "ts_example_ct.nii.gz"));
const segmentation = await readLabelFile(join(SCANS, "ts_example_seg.nii.gz"));
const sections = (image, labels, hips, back) => [
  ...[0, 100, 195, 262].map((mm) => section(image, "axial", Math.round((hips + mm) / 3), labels)),
  section(image, "coronal", back, labels),
];
const people = [2, 0, 5].map((seed) => makePhantom({ spacing: [3, 3, 3], classes: 16, seed }));
const [first] = people;
await write(
  "phantoms.png",
  contactSheet([sections(ct, undefined, 48, 48), ...people.map(({ image }) => sections(image, undefined, 54, 44))], 2),
);
await write(
  "phantom-labels.png",
  contactSheet([sections(ct, segmentation, 48, 58), sections(first.image, first.labels, 54, 52)], 2),
);

// One patch through each transform alone, then through all.
const { image, labels } = makePhantom({ spacing: [3, 3, 3], seed: 2 });
const scan = {
  image: windowIntensity(image),
  labels: labels.data,
  shape: image.shape,
  spacing: spacingOf(image.affine),
};
const patchSize = [48, 80, 110];
const off = Object.fromEntries(
  [
    "rotate",
    "scale",
    "elastic",
    "noise",
    "blur",
    "brightness",
    "contrast",
    "lowResolution",
    "invertedGamma",
    "gamma",
  ].map((name) => [name, { probability: 0 }]),
);
const shown = [
  {},
  { rotate: { probability: 1 } },
  { scale: { probability: 1, factor: [0.75, 0.75] } },
  { elastic: { probability: 1, amplitude: 16 } },
  { flip: { probability: [0, 1, 0] } },
  { noise: { probability: 1, deviation: [0.1, 0.1] } },
  { blur: { probability: 1, sigma: [1, 1] } },
  { brightness: { probability: 1, factor: [1.25, 1.25] } },
  { contrast: { probability: 1, factor: [0.75, 0.75] } },
  { lowResolution: { probability: 1, zoom: [0.5, 0.5] } },
  { gamma: { probability: 1, exponent: [1.5, 1.5] } },
  Object.fromEntries(Object.keys(off).map((name) => [name, { probability: 1 }])),
].map((transforms) => {
  const plan = drawAugmentation(new Random(4), { ...off, ...transforms, patchSize, spacing: scan.spacing });
  const patch = applyAugmentation(scan, plan);
  const hounsfield = { data: patch.image.map((value) => 40 + 200 * value), shape: patchSize };
  return section(hounsfield, "axial", 24, { data: patch.labels });
});
await write("augmentation.png", contactSheet([shown.slice(0, 4), shown.slice(4, 8), shown.slice(8)], 2));
