// `node run.mjs --out DIR [--cases N] [--steps N] [--patch D,H,W] [--seed S] [--threads N]`: trains on phantoms alone and
// segments real CT, one command of plseg after the other. Each is printed before it runs, so that one may type it oneself.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { phantomClasses } from "@plseg/data";
import { writeRealReferences } from "./real-references.mjs";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    cases: { type: "string", default: "24" },
    steps: { type: "string", default: "600" },
    patch: { type: "string", default: "48,48,64" },
    seed: { type: "string", default: "1" },
    threads: { type: "string" },
  },
});
const { out, cases, steps, patch, seed, threads } = values;
if (out === undefined) {
  console.error("run: --out DIR is needed. Example: node run.mjs --out phantoms-to-real");
  process.exit(2);
}
const started = performance.now();
const inOut = (...parts) => join(out, ...parts);
const onThreads = threads === undefined ? [] : ["--threads", threads];
const classes = phantomClasses(16).names.join(",");

await writeRealReferences(inOut("real"));
plseg(
  ...["phantom", "--out", inOut("phantoms"), "--cases", cases, "--test-cases", "4", "--classes", "16"],
  ...["--spacing", "3", "--field-of-view", "varied", "--seed", seed],
);
plseg(
  ...["train", "--data", inOut("phantoms"), "--out", inOut("run"), "--preset", "quick", "--patch", patch],
  ...["--batch", "2", "--steps", steps, "--seed", seed, ...onThreads],
);
for (const [images, predictions] of [
  [inOut("phantoms", "imagesTs"), inOut("predicted-phantoms")],
  [inOut("real", "images"), inOut("predicted-real")],
])
  plseg("predict", "--model", inOut("run"), "--input", images, "--output", predictions, ...onThreads);
plseg("evaluate", "--predictions", inOut("predicted-phantoms"), "--references", inOut("phantoms", "labelsTs"));
plseg(
  ...["evaluate", "--predictions", inOut("predicted-real"), "--references", inOut("real", "labels")],
  ...["--classes", classes, "--annotations", inOut("real", "annotations.json")],
  ...["--report", inOut("real.html"), "--images", inOut("real", "images")],
);
console.log(`\n${Math.round((performance.now() - started) / 1000)} s in all`);

/** Runs a command of plseg; ends this process if it fails. */
function plseg(...args) {
  console.log(`\n$ plseg ${args.join(" ")}`);
  const main = fileURLToPath(import.meta.resolve("@plseg/cli")).replace(/index\.js$/, "main.js");
  const { status } = spawnSync(process.execPath, [main, ...args], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
