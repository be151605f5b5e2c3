import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { writePhantomDataset } from "@plseg/data/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const PLSEG = fileURLToPath(new URL("../dist/main.js", import.meta.url));

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-stop-"));
  await writePhantomDataset({ out: join(root, "data"), cases: 2, size: 20, classes: 6, annotated: 2, seed: 1 });
  const settings = { features: [2, 4], patchSize: [16, 16, 16], batch: 1, steps: 100_000, checkpointEvery: 100_000 };
  await writeFile(join(root, "settings.json"), JSON.stringify(settings));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A training in a process of its own that has done a step. */
async function startTraining(
  name: string,
  ...more: string[]
): Promise<{ child: ChildProcess; run: string; stderr: () => string }> {
  const run = join(root, name);
  const args = ["train", "--data", join(root, "data"), "--out", run, "--config", join(root, "settings.json")];
  const child = spawn(process.execPath, [PLSEG, ...args, "--threads", "1", "--workers", "0", ...more]);
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  child.stdout.resume();
  while (stepsOf(run) < 1 && child.exitCode === null) await sleep(10);
  return { child, run, stderr: () => said };
}

function stepsOf(run: string): number {
  const path = join(run, "metrics.jsonl");
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
}

const savedStep = (run: string): number =>
  JSON.parse(readFileSync(join(run, "checkpoint-last", "checkpoint.json"), "utf8")).step;

describe("stopOnInterrupt", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s saves the training and ends it with exit code %i", async (signal, code) => {
    const { child, run, stderr } = await startTraining(signal);
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([code, null]);
    expect(stderr()).toContain("stopping after this step");
    expect(savedStep(run)).toBe(stepsOf(run));
    expect(existsSync(join(run, "run.lock"))).toBe(false);
  });

  test("a second signal ends it at once, in the middle of a step", async () => {
    const { child, run, stderr } = await startTraining("twice", "--patch", "64,64,64");
    child.kill("SIGINT");
    while (!stderr().includes("stopping")) await sleep(1);
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([null, "SIGINT"]);
    expect(savedStep(run)).toBe(0);
  });
});
