import { spawnSync } from "node:child_process";
import { mkdirSync, statfsSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ResourceError } from "@plseg/core";
import { writePhantomDataset } from "@plseg/data/node";
import { createNodeEngine } from "@plseg/runtime/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PRESETS } from "./presets.js";
import { trainRun } from "./train-run.js";
import type { TrainRunOptions, TrainRunResult } from "./train-run-options.js";

/** A disk of 1 MB, where this process may mount one; without it the test with /dev/full of `train-run.test.ts` remains. */
const disk = join(tmpdir(), `plseg-disk-${process.pid}`);
mkdirSync(disk);
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]).status === 0;
if (!mounted) console.warn("no small disk can be mounted here: that takes root on Linux");

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-full-"));
  await writePhantomDataset({ out: join(root, "data"), cases: 2, size: 20, classes: 6, annotated: 2, seed: 1 });
  await run(join(root, "unbroken"));
});
afterAll(async () => {
  if (mounted) spawnSync("umount", [disk]);
  await rm(disk, { recursive: true });
  await rm(root, { recursive: true, force: true });
});

async function run(out: string, overrides: Partial<TrainRunOptions> = {}): Promise<TrainRunResult> {
  const settings = { ...PRESETS.quick, features: [4, 8], dropout: [0], batch: 1, steps: 8, checkpointEvery: 2 };
  return trainRun({
    ...{ data: join(root, "data"), out, method: "pl-seg", preset: "quick", workers: 0 },
    settings: { ...settings, patchSize: [16, 16, 16] },
    ...{ engine: await createNodeEngine({ threads: 1 }), engineName: "compiled", device: "cpu" },
    ...overrides,
  });
}

/** Fills the disk but for so many bytes. */
function fill(leave: number): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, "ballast"), new Uint8Array(Math.max(0, bavail * bsize - leave)));
}

const stateOf = (out: string, file: string): Promise<Buffer> => readFile(join(out, "checkpoint-last", file));

describe.runIf(mounted)("trainRun on a disk that fills up", () => {
  test.each([
    ["metrics cannot be written", 0],
    ["a checkpoint cannot be written", 16 * 1024],
    ["a checkpoint is cut short", 64 * 1024],
  ])("stops with its last checkpoint whole when %s, and goes on with room again", async (_, leave) => {
    const out = join(disk, "run");
    const onStep = ({ step }: { step: number }): void => void (step === 5 && fill(leave));
    await expect(run(out, { onStep })).rejects.toThrow(ResourceError);
    expect(JSON.parse((await stateOf(out, "checkpoint.json")).toString()).step).toBe(4);
    await rm(join(disk, "ballast"));
    expect((await run(out, { resume: true })).step).toBe(8);
    for (const file of ["weights.safetensors", "state.safetensors", "checkpoint.json"])
      expect(await stateOf(out, file)).toEqual(await stateOf(join(root, "unbroken"), file));
    await rm(out, { recursive: true });
  });
});
