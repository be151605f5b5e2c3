// `node bench/kill.mjs [--kills N] [--seed N]`: trains a small network with the built command line, once to the end, and once
// killed again and again (SIGKILL) and gone on with. Both must leave the same bytes. Prints one line of JSON; fails if they differ.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Random } from "@plseg/core";
import { writePhantomDataset } from "@plseg/data/node";

const { values } = parseArgs({
  options: { kills: { type: "string", default: "40" }, seed: { type: "string", default: "1" } },
});
const kills = Number(values.kills);
const PLSEG = fileURLToPath(new URL("../packages/cli/dist/main.js", import.meta.url));

/** Checkpoints so often that a third of the time goes into writing them. */
const SETTINGS = {
  ...{ features: [2, 4], dropout: [0, 0.1], patchSize: [16, 16, 16], batch: 1, augmentation: "default" },
  ...{ steps: 10 * kills + 20, checkpointEvery: 2, keepEvery: 10, validateEvery: 7, validation: 0.5 },
};

const root = await mkdtemp(join(tmpdir(), "plseg-kill-"));
try {
  const data = join(root, "data");
  await writePhantomDataset({ out: data, cases: 4, size: 20, classes: 6, annotated: 2, seed: 1 });
  await writeFile(join(root, "settings.json"), JSON.stringify(SETTINGS));
  const [whole, broken] = [join(root, "whole"), join(root, "broken")];
  await end(train(data, whole));
  const points = await trainBroken(data, broken);
  const [expected, found] = [contents(whole), contents(broken)];
  const different = Object.keys({ ...expected, ...found }).filter((file) => expected[file] !== found[file]);
  console.log(JSON.stringify({ kills: points.length, points, files: Object.keys(expected).length, different }));
  if (different.length > 0) process.exitCode = 1;
} finally {
  await rm(root, { recursive: true, force: true });
}

/**
 * Trains and kills, at random points: in every third sitting in the middle of writing a checkpoint, else anywhere.
 * @param {string} data @param {string} run
 * @returns {Promise<string[]>} What was going on at each kill.
 */
async function trainBroken(data, run) {
  const random = Random.of("kill", Number(values.seed));
  const points = [];
  while (points.length < kills) {
    const child = train(data, run);
    child.stderr?.resume();
    const last = linesOf(run);
    if (points.length % 3 === 1) await until(child, () => linesOf(run) > last && isWriting(run));
    else if (points.length % 5 === 2) await sleep(random.uniform(0, 1) * 3000);
    else {
      const steps = 1 + random.integer(12);
      await until(child, () => linesOf(run) >= last + steps);
      await sleep(random.uniform(0, 1) * 20);
    }
    const writing = isWriting(run);
    if (child.exitCode !== null) break; // it came to its end
    child.kill("SIGKILL");
    await closed(child);
    const started = existsSync(join(run, "checkpoint-last"));
    points.push(writing ? "writing a checkpoint" : started ? `after ${linesOf(run)} lines` : "before the first step");
  }
  await end(train(data, run));
  return points;
}

/** @param {string} data @param {string} run */
function train(data, run) {
  const going = existsSync(join(run, "config.json")) ? ["--resume"] : ["--config", join(root, "settings.json")];
  const args = [
    PLSEG,
    "train",
    "--data",
    data,
    "--out",
    run,
    "--threads",
    "1",
    "--workers",
    "1",
    "--no-tensorboard",
    "--no-pictures",
    ...going,
  ];
  return spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** @param {import("node:child_process").ChildProcess} child */
async function end(child) {
  let said = "";
  child.stderr?.on("data", (text) => {
    said += text;
  });
  const code = await closed(child);
  if (code !== 0) throw new Error(`kill: plseg train ended with ${code}.\n${said}`);
}

/** @param {import("node:child_process").ChildProcess} child @returns {Promise<number | null>} */
function closed(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once("close", (code) => resolve(code)));
}

/** @param {import("node:child_process").ChildProcess} child @param {() => boolean} condition */
async function until(child, condition) {
  while (!condition() && child.exitCode === null) await sleep(1);
}

/** @param {string} run */
function linesOf(run) {
  const path = join(run, "metrics.jsonl");
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
}

/** @param {string} run */
function isWriting(run) {
  return existsSync(run) && readdirSync(run).some((name) => /^checkpoint-.*\.(new|old|gone)$/.test(name));
}

/**
 * SHA-256 of each file of a run that does not hold times or its own path; `metrics.jsonl` without its times.
 * @param {string} run @returns {Record<string, string>}
 */
function contents(run) {
  const files = readdirSync(run, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const hashes = files.map(({ parentPath, name }) => {
    const path = join(parentPath, name);
    const hash = createHash("sha256");
    if (name === "metrics.jsonl") hash.update(withoutTimes(readFileSync(path, "utf8")));
    else if (!["manifest.json", "report.html"].includes(name)) hash.update(readFileSync(path));
    return [path.slice(run.length + 1), hash.digest("hex")];
  });
  return Object.fromEntries(hashes);
}

/** @param {string} text */
function withoutTimes(text) {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines
    .map((line) =>
      JSON.stringify(JSON.parse(line), (key, value) => (["seconds", "waited"].includes(key) ? undefined : value)),
    )
    .join("\n");
}
