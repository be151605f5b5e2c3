// Our side of `pnpm bench metrics`: all metrics of 16 organs in a volume. Prints one line of JSON.
import { parseArgs } from "node:util";
import { ClassSet, scalingAffine } from "@plseg/core";
import { evaluateCase } from "@plseg/metrics";
import { report, sizeOf } from "./measure.mjs";

const ORGANS = 16;
const SPACING = /** @type {const} */ ([3, 0.9, 0.9]);
const TOLERANCE = 3;

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "128,256,256" },
    batch: { type: "string" }, // there is one volume, and one thread
    threads: { type: "string" },
    steps: { type: "string", default: "5" },
    warmup: { type: "string", default: "1" },
  },
});
const shape = sizeOf(values.size);

const affine = scalingAffine(SPACING);
const reference = { data: paintOrgans(shape, false), shape, affine };
const prediction = { data: paintOrgans(shape, true), shape, affine };
const classes = new ClassSet(["background", ...Array.from({ length: ORGANS }, (_, k) => `organ ${k + 1}`)]);
const annotated = classes.names.map(() => true);

const times = [];
let scores = [];
for (let k = 0; k < Number(values.warmup) + Number(values.steps); k++) {
  const started = performance.now();
  scores = evaluateCase({ prediction, reference, classes, annotated, tolerance: TOLERANCE });
  if (k >= Number(values.warmup)) times.push(performance.now() - started);
}

const checksum = (/** @type {Uint8Array} */ data) => data.reduce((sum, label, v) => sum + label * ((v % 1009) + 1), 0);
report(times, {
  values: {
    "checksum of the reference": checksum(reference.data),
    "checksum of the prediction": checksum(prediction.data),
    ...Object.fromEntries(
      scores.flatMap(({ class: organ, scores }) =>
        Object.entries(scores).map(([metric, score]) => [`${metric} of ${organ}`, score]),
      ),
    ),
  },
});

/**
 * Ellipsoids from about 5 to about 60 voxels wide. As a prediction they are moved, rough, and every third has an island
 * beside it. No operation is used that rounds in another way in Python.
 * @param {number[]} shape
 * @param {boolean} predicted
 */
function paintOrgans(shape, predicted) {
  const labels = new Uint8Array(shape[0] * shape[1] * shape[2]);
  for (let k = 0; k < ORGANS; k++) {
    const radius = 0.02 + (0.14 * ((k * 5) % 16)) / 15;
    const center = [
      0.2 + (0.6 * ((k * 7) % 16)) / 15,
      0.15 + (0.7 * (k % 4)) / 3,
      0.15 + (0.7 * Math.floor(k / 4)) / 3,
    ];
    const radii = [radius * 1.3, radius, radius * 0.8];
    if (!predicted) paint(labels, shape, k + 1, center, radii, 0);
    else {
      const shift = radius * 0.1;
      paint(labels, shape, k + 1, [center[0] + shift, center[1] - shift, center[2] + shift], radii, 0.3);
      const island = [center[0], center[1] + radius * 1.4, center[2]];
      if (k % 3 === 0) paint(labels, shape, k + 1, island, [0.02, 0.02, 0.02], 0);
    }
  }
  return labels;
}

/**
 * @param {Uint8Array} labels
 * @param {number[]} shape
 * @param {number} label
 * @param {number[]} center in [0, 1] of the volume's side
 * @param {number[]} radii in parts of the volume's side
 * @param {number} roughness
 */
function paint(labels, shape, label, center, radii, roughness) {
  const [, height, width] = shape;
  const low = shape.map((size, axis) => Math.max(0, Math.floor((center[axis] - 1.3 * radii[axis]) * size)));
  const high = shape.map((size, axis) => Math.min(size, Math.ceil((center[axis] + 1.3 * radii[axis]) * size)));
  const square = (/** @type {number} */ i, /** @type {number} */ axis) => {
    const offset = ((i + 0.5) / shape[axis] - center[axis]) / radii[axis];
    return offset * offset;
  };
  for (let z = low[0]; z < high[0]; z++)
    for (let y = low[1]; y < high[1]; y++)
      for (let x = low[2]; x < high[2]; x++) {
        const wave = (((z * 3 + y) % 7) + ((y + x * 2) % 9) + ((x + z) % 5)) / 18 - 0.5;
        if (square(z, 0) + square(y, 1) + square(x, 2) <= 1 + roughness * wave)
          labels[(z * height + y) * width + x] = label;
      }
}
