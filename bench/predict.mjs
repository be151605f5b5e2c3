// Our side of `pnpm bench predict`: a volume segmented by a bundle. Prints one line of JSON.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { scalingAffine } from "@plseg/core";
import { segmentVolume } from "@plseg/runtime";
import { readBundle } from "@plseg/runtime/node";
import { report } from "./measure.mjs";

const { values } = parseArgs({
  options: {
    size: { type: "string" }, // the case says it
    case: { type: "string", default: "" },
    labels: { type: "string", default: "" },
    batch: { type: "string", default: "1" },
    threads: { type: "string", default: "1" },
    steps: { type: "string", default: "1" },
    warmup: { type: "string", default: "0" },
  },
});
const bundle = await readBundle(join(values.case, "bundle"), {
  threads: Number(values.threads),
  batch: Number(values.batch),
});
const shape = JSON.parse(await readFile(join(values.case, "shape.json"), "utf8"));
const bytes = await readFile(join(values.case, "image.i16"));
const data = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
const volume = { data, shape, affine: scalingAffine(bundle.manifest.spacing) };

/** @type {number[]} */
const times = [];
/** @type {number[]} */
const cpuTimes = [];
let labels = /** @type {import("@plseg/core").LabelMap["data"]} */ (new Uint8Array(0));
for (let k = 1; k <= Number(values.warmup) + Number(values.steps); k++) {
  const [started, before] = [performance.now(), process.cpuUsage()];
  ({ data: labels } = await segmentVolume(bundle, volume, { overlap: 0.5, weighting: "gaussian" }));
  const { user, system } = process.cpuUsage(before);
  if (k <= Number(values.warmup)) continue;
  times.push(performance.now() - started);
  cpuTimes.push((user + system) / 1000);
}
await bundle.dispose();
await writeFile(values.labels, labels);
report(times, { cpu_ms: cpuTimes, labels: values.labels });
