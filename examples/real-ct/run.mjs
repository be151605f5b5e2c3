// `node run.mjs --out DIR [--steps N] [--seed S] [--threads N]`: the whole road on real CT, one command of plseg after the
// other. Each is printed before it runs, so that one may type it oneself.

import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    steps: { type: "string", default: "600" },
    seed: { type: "string", default: "1" },
    threads: { type: "string" },
  },
});
const { out, steps, seed, threads } = values;
if (out === undefined) {
  console.error("run: --out DIR is needed. Example: node run.mjs --out real-ct");
  process.exit(2);
}
const started = performance.now();
const inOut = (...parts) => join(out, ...parts);
const [data, truth, run, predictions] = [inOut("data"), inOut("truth"), inOut("run"), inOut("predictions")];
/** Where the scans are: `data/ct3mm` in `$PLSEG_SHARED`, or in `shared` beside the project. */
const project = fileURLToPath(new URL("../../", import.meta.url));
const scans = resolve(project, process.env.PLSEG_SHARED ?? "../shared", "data/ct3mm");
const beside = (name) => fileURLToPath(new URL(name, import.meta.url));
const onThreads = threads === undefined ? [] : ["--threads", threads];

plseg("data", "convert", scans, "--config", beside("real-ct.yaml"), "--out", data);
plseg("data", "convert", scans, "--config", beside("truth.yaml"), "--out", truth);
plseg("data", "inspect", data);
plseg(
  ...["train", "--data", data, "--out", run, "--method", "pl-seg", "--preset", "quick"],
  ...["--patch", "64,64,64", "--batch", "2", "--steps", steps, "--seed", seed, ...onThreads],
);
plseg("predict", "--model", run, "--input", join(data, "imagesTr"), "--output", predictions, ...onThreads);
const unlabeled = join(data, "imagesTs", "cort_liver_0000.nii.gz");
plseg(
  ...["predict", "--model", run, "--input", unlabeled, "--output", join(predictions, "cort_liver.nii.gz")],
  ...onThreads,
);
plseg(
  ...["evaluate", "--predictions", predictions, "--references", join(data, "labelsTr")],
  ...["--report", inOut("annotated.html"), "--images", join(data, "imagesTr"), unlabeled],
);
plseg(
  ...["evaluate", "--predictions", predictions, "--references", join(truth, "labelsTr")],
  ...["--annotations", beside("hidden.json")],
  ...["--report", inOut("hidden.html"), "--images", join(data, "imagesTr")],
);
console.log(`\n${Math.round((performance.now() - started) / 1000)} s in all`);

/** Runs a command of plseg; ends this process if it fails. */
function plseg(...args) {
  console.log(`\n$ plseg ${args.join(" ")}`);
  const main = fileURLToPath(import.meta.resolve("@plseg/cli")).replace(/index\.js$/, "main.js");
  const { status } = spawnSync(process.execPath, [main, ...args], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
