// `pnpm bench leak`: thousands of steps of a small training, and the memory that the process holds meanwhile. Prints one
// line of JSON.
import { parseArgs } from "node:util";
import { createEngine } from "@plseg/runtime";
import * as ort from "onnxruntime-node";
import { report, sizeOf } from "./measure.mjs";
import { randomTraining } from "./training.mjs";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "16" },
    batch: { type: "string", default: "1" },
    threads: { type: "string", default: "1" },
    steps: { type: "string", default: "2000" },
    warmup: { type: "string", default: "200" }, // while arenas and the garbage collector find their size
    device: { type: "string", default: "cpu" },
  },
});
const [steps, warmup] = [Number(values.steps), Number(values.warmup)];
const every = Math.max(1, Math.floor(steps / 20));

/** Growth over all steps that is not called a leak. A state that is not freed would be 30 times as much in 2,000 steps. */
const ALLOWED_MB = 16;

const device = /** @type {import("@plseg/runtime").Device} */ (values.device);
const training = await randomTraining({
  engine: createEngine({ ort, device, threads: Number(values.threads) }),
  patchSize: sizeOf(values.size),
  batch: Number(values.batch),
  features: [4, 8, 16, 32],
});

const times = [];
/** @type {{ step: number, rss_mb: number }[]} */
const samples = [];
for (let k = 1 - warmup; k <= steps; k++) {
  const { ms, loss } = await training.next();
  if (k > 0) times.push(ms);
  if (k < 0 || k % every !== 0) continue;
  globalThis.gc?.();
  const sample = { step: k, rss_mb: Math.round(process.memoryUsage.rss() / 2 ** 10) / 2 ** 10 };
  samples.push(sample);
  process.stderr.write(`step ${k}: ${sample.rss_mb.toFixed(1)} MB resident, loss ${loss.toFixed(3)}\n`);
}
await training.dispose();

const slope = slopeOf(samples);
const grown = slope * steps;
report(times, {
  leak: {
    rss_mb: samples.map(({ rss_mb }) => Number(rss_mb.toFixed(1))),
    every,
    kb_per_step: Number((slope * 1024).toFixed(3)),
    grown_mb: Number(grown.toFixed(1)),
    allowed_mb: ALLOWED_MB,
    flat: grown <= ALLOWED_MB,
  },
});

/** Megabytes by step, of the straight line through all samples. @param {typeof samples} points */
function slopeOf(points) {
  const mean = (/** @type {number[]} */ numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const [x, y] = [mean(points.map(({ step }) => step)), mean(points.map(({ rss_mb }) => rss_mb))];
  const covariance = mean(points.map(({ step, rss_mb }) => (step - x) * (rss_mb - y)));
  return covariance / mean(points.map(({ step }) => (step - x) ** 2));
}
