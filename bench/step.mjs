// Our side of `pnpm bench step`: one PL-Seg training step, compiled. Prints one line of JSON.
import { parseArgs } from "node:util";
import { createEngine } from "@plseg/runtime";
import * as ort from "onnxruntime-node";
import { report, sizeOf } from "./measure.mjs";
import { randomTraining } from "./training.mjs";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "64" },
    batch: { type: "string", default: "1" },
    threads: { type: "string", default: "1" },
    steps: { type: "string", default: "5" },
    warmup: { type: "string", default: "2" },
    device: { type: "string", default: "cpu" },
  },
});
const device = /** @type {import("@plseg/runtime").Device} */ (values.device);
const training = await randomTraining({
  engine: createEngine({ ort, device, threads: Number(values.threads) }),
  patchSize: sizeOf(values.size),
  batch: Number(values.batch),
});

/** @type {number[]} */
const times = [];
/** @type {number[]} */
const cpuTimes = [];
for (let k = 1; k <= Number(values.warmup) + Number(values.steps); k++) {
  const before = process.cpuUsage();
  const { ms } = await training.next();
  const { user, system } = process.cpuUsage(before);
  if (k <= Number(values.warmup)) continue;
  times.push(ms);
  cpuTimes.push((user + system) / 1000);
}
report(times, { cpu_ms: cpuTimes });
await training.dispose();
