// Our side of `pnpm bench data`. Prints one line of JSON. Parts:
//   loader-N  trains with N threads that draw patches (loader.mjs)
//   read      a .nii.gz of a CT is read, turned to the canonical orientation, resampled to 1.5 mm and windowed

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Random, scalingAffine } from "@plseg/core";
import { canonicalGrid, gridWithSpacing, makePhantom, resample, windowIntensity } from "@plseg/data";
import { readResampled, writeVolumeFile } from "@plseg/data/node";
import { measureLoader } from "./loader.mjs";
import { report, sizeOf } from "./measure.mjs";

/** Millimeters of the scan, whose columns run to the left and rows to the back, and of what becomes of it. */
const SPACING = /** @type {const} */ ([1, 0.75, 0.75]);
const TARGET = /** @type {const} */ ([1.5, 1.5, 1.5]);
/** With a width of 2⁹ both sides compute without rounding, so their results must be equal. */
const WINDOW = { level: 40, width: 512 };
/** Each phantom voxel becomes so many along each axis. */
const ZOOM = 4;
/** Hounsfield units: makes gzip find as little to save as in real CT. */
const NOISE = 10;

const { values } = parseArgs({
  options: {
    part: { type: "string", default: "read" },
    size: { type: "string", default: "300,512,512" },
    batch: { type: "string", default: "1" }, // reading has one scan
    threads: { type: "string", default: "1" },
    steps: { type: "string", default: "5" },
    warmup: { type: "string", default: "1" },
    make: { type: "string" },
  },
});
const shape = sizeOf(values.size);
const path = join(tmpdir(), `plseg-bench-data-1-${shape.join("x")}.nii.gz`);

const loader = /^loader-(\d+)$/.exec(values.part);

if (values.make) await makeScan(values.make);
else if (loader) {
  const numbers = { batch: Number(values.batch), threads: Number(values.threads), warmup: Number(values.warmup) };
  const patchSize = /** @type {[number, number, number]} */ (shape);
  await measureLoader({ ...numbers, workers: Number(loader[1]), patchSize, steps: Number(values.steps) });
} else {
  // In a process of its own, so that this one's memory is that of reading.
  if (!existsSync(path))
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--size", values.size, "--make", path]);
  await read();
}

async function read() {
  const times = [];
  /** @type {Record<string, number>} */
  let sums = {};
  for (let k = 0; k < Number(values.warmup) + Number(values.steps); k++) {
    // The peer's memory goes at once; V8 gives arrays back in the background after a collection.
    globalThis.gc?.();
    await setTimeout(50);
    const step = await preprocess();
    if (k >= Number(values.warmup)) times.push(step.time);
    sums = step.sums;
  }
  report(times, { values: sums });
}

async function preprocess() {
  const started = performance.now();
  const onGrid = (/** @type {import("@plseg/data").Grid} */ grid) => gridWithSpacing(canonicalGrid(grid), TARGET);
  const image = await readResampled(path, onGrid, { antialias: false });
  const windowed = windowIntensity(image, WINDOW, image.data);
  return { time: performance.now() - started, sums: sumsOf(windowed) };
}

/** @param {Float32Array} windowed */
function sumsOf(windowed) {
  let [sum, weighted] = [0, 0];
  for (let i = 0; i < windowed.length; i++) {
    sum += windowed[i];
    weighted += windowed[i] * ((i % 1009) + 1);
  }
  return { voxels: windowed.length, sum, "weighted sum": weighted };
}

/**
 * A phantom with noise in a round field of view, int16, stored as CT scanners do: columns to the left, rows to the back.
 * @param {string} out
 */
async function makeScan(out) {
  const random = new Random(1);
  const size = /** @type {const} */ ([0, 1, 2]).map((axis) => Math.ceil(shape[axis] / ZOOM));
  const { data } = makePhantom({ size: [size[0], size[1], size[2]], classes: 16, seed: 1 }).image;
  const coarse = { data, shape: /** @type {const} */ ([size[0], size[1], size[2]]), affine: scalingAffine([4, 3, 3]) };
  const [depth, height, width] = shape;
  const fine = resample(coarse, { shape: [depth, height, width], affine: gridWithSpacing(coarse, SPACING).affine });
  const noise = Int16Array.from({ length: 65_521 }, () => Math.round(NOISE * random.normal()));
  const voxels = new Int16Array(fine.data.length);
  for (let z = 0, v = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, v++) {
        const seen = Math.hypot((2 * y) / height - 1, (2 * x) / width - 1) < 1;
        voxels[v] = seen ? Math.round(fine.data[v]) + noise[(v * 7919) % noise.length] : -1024;
      }
  const [mmZ, mmY, mmX] = SPACING;
  const affine = /** @type {const} */ ([-mmX, 0, 0, 190, 0, -mmY, 0, 190, 0, 0, mmZ, -150, 0, 0, 0, 1]);
  await writeVolumeFile(out, { data: voxels, shape: [depth, height, width], affine });
}
