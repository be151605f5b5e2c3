import { rmSync, symlinkSync } from "node:fs";
import { mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, DataError, ResourceError } from "@plseg/core";
import { readPlan } from "@plseg/data";
import { writePhantomDataset } from "@plseg/data/node";
import { readSafetensors } from "@plseg/models";
import { createNodeEngine } from "@plseg/runtime/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SCHEDULE_DEFAULTS } from "../schedule.js";
import { PRESETS } from "./presets.js";
import { checkRunConfig } from "./run-config.js";
import { trainRun } from "./train-run.js";
import type { TrainRunOptions, TrainRunResult } from "./train-run-options.js";
import { PLANNED, type TrainSettings } from "./train-settings.js";

const SETTINGS: TrainSettings = {
  ...PRESETS.quick,
  features: [2, 4],
  dropout: [0.1],
  patchSize: [16, 16, 16],
  batch: 1,
  steps: 8,
  checkpointEvery: 2,
  validateEvery: 4,
  validation: 0.5,
};

let folder = "";
let data = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plseg-train-"));
  data = join(folder, "data");
  await writePhantomDataset({ out: data, cases: 4, size: 20, classes: 6, annotated: 2, seed: 1 });
});

afterAll(() => rm(folder, { recursive: true }));

async function run(name: string, overrides: Partial<TrainRunOptions> = {}): Promise<TrainRunResult> {
  return trainRun({
    data,
    out: join(folder, name),
    method: "pl-seg",
    preset: "quick",
    settings: SETTINGS,
    engine: await createNodeEngine({ threads: 1 }),
    engineName: "compiled",
    device: "cpu",
    workers: 0,
    ...overrides,
  });
}

const bytes = (name: string, file: string): Promise<Buffer> => readFile(join(folder, name, "checkpoint-last", file));

async function stopAfter(name: string, last: number): Promise<void> {
  const stop = new AbortController();
  await run(name, { signal: stop.signal, onStep: ({ step }) => void (step === last && stop.abort()) });
}

describe("trainRun", () => {
  test("leaves a run: configuration, manifest, metrics and checkpoints", async () => {
    const { config, step } = await run("whole");
    expect(step).toBe(8);
    expect(config.validationCases).toHaveLength(2);
    expect(JSON.parse(await readFile(join(folder, "whole", "config.json"), "utf8"))).toEqual(config);
    const { dataHashes } = JSON.parse(await readFile(join(folder, "whole", "manifest.json"), "utf8"));
    expect(Object.keys(dataHashes)).toHaveLength(4);
    const lines = (await readFile(join(folder, "whole", "metrics.jsonl"), "utf8")).trim().split("\n");
    const records = lines.map((line) => JSON.parse(line));
    expect(records.filter(({ loss }) => loss !== undefined).map((record) => record.step)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    expect(records.filter(({ validation }) => validation).map((record) => record.step)).toEqual([4, 8]);
    const drawn = records.flatMap(({ seen }) => (seen ? [Object.values(seen as Record<string, number>)] : [])).flat();
    expect(drawn.length).toBeGreaterThan(3);
    expect(records[0].waited).toBeGreaterThanOrEqual(0);
    expect(records[0].terms).toMatchObject({ supervised: expect.any(Number), contrastive: expect.any(Number) });
  });

  test("gives the same network with worker threads as without, also when it goes on", async () => {
    const settings = { ...SETTINGS, augmentation: "default" as const };
    await run("alone", { settings });
    const stop = new AbortController();
    const onStep = ({ step }: { step: number }): void => void (step === 3 && stop.abort());
    await run("threads", { settings, workers: 2, signal: stop.signal, onStep });
    await run("threads", { resume: true, workers: 1 });
    expect(await bytes("threads", "weights.safetensors")).toEqual(await bytes("alone", "weights.safetensors"));
  });

  test("keeps its plan, which a given plan and settings decide", async () => {
    const reasons = { spacing: "fast", patchSize: "small" };
    const plan = {
      version: 1,
      spacing: [30, 25, 25],
      patchSize: [8, 8, 8],
      intensity: { level: 0, width: 900 },
      reasons,
    };
    const settings = { ...SETTINGS, ...PLANNED, patchSize: [16, 16, 16] as [number, number, number], steps: 1 };
    const { config } = await run("planned", { settings, plan: readPlan(plan) });
    expect(config.plan).toEqual({
      ...plan,
      patchSize: [16, 16, 16],
      reasons: { spacing: "fast", patchSize: "as asked for", intensity: "as the given plan says" },
    });
    const { config: own } = await run("own", { settings: { ...SETTINGS, ...PLANNED, steps: 1 } });
    expect(own.plan.reasons.spacing).toBe("all 4 cases have it");
    expect(own.plan.patchSize.every((size) => size % 2 === 0)).toBe(true);
  });

  test("counts an organ only in the training cases that annotate it", async () => {
    const { config } = await run("counted", { settings: { ...SETTINGS, steps: 1, validateEvery: 0 } });
    const counts = Object.values(config.annotatedCases);
    expect(counts).toHaveLength(6);
    expect(counts.reduce((sum, count) => sum + count)).toBe(4 * 2);
  });

  test("goes on to the same bytes as a run that was never stopped", async () => {
    await run("unbroken");
    await stopAfter("broken", 3);
    expect(JSON.parse((await bytes("broken", "checkpoint.json")).toString()).step).toBe(3);
    await run("broken", { resume: true });
    for (const file of ["weights.safetensors", "state.safetensors", "checkpoint.json"])
      expect(await bytes("broken", file)).toEqual(await bytes("unbroken", file));
  });

  test("keeps the best checkpoint of before a break unless a later validation is better", async () => {
    await stopAfter("best", 5);
    const best = join(folder, "best", "checkpoint-best", "weights.safetensors");
    const before = await readFile(best);
    const about = join(folder, "best", "checkpoint-last", "checkpoint.json");
    const { progress, ...rest } = JSON.parse(await readFile(about, "utf8"));
    expect(progress).toEqual({ validated: 4, best: { step: 4, dice: expect.any(Number) }, rollbacks: [] });
    await writeFile(about, JSON.stringify({ ...rest, progress: { ...progress, best: { step: 4, dice: 1 } } }));
    await run("best", { resume: true });
    expect(await readFile(best)).toEqual(before);
  });

  test("tells how it goes: start, steps, segmented cases, validations with each case, checkpoints", async () => {
    const told: unknown[] = [];
    await run("told", {
      onStart: ({ steps }, step) => void told.push(["start", step, steps]),
      onStep: async ({ step }) => void told.push(["step", step]),
      onSegmented: (step, { id, image, reference, prediction }) => {
        expect([reference.shape, prediction.shape]).toEqual([image.shape, image.shape]);
        told.push(["segmented", step, id]);
      },
      onValidation: (step, { dice, perClass, cases }) => {
        told.push(["validation", step, cases.map(({ id }) => id)]);
        // each case annotates two of six organs, and the mean over cases is that of their scores
        for (const { perClass: organs } of cases)
          expect(Object.values(organs).filter((score) => score !== null).length).toBeLessThanOrEqual(2);
        for (const [organ, mean] of Object.entries(perClass)) {
          const scores = cases.flatMap(({ perClass: { [organ]: score } }) => score ?? []);
          if (mean === null) expect(scores).toEqual([]);
          else expect(scores.reduce((sum, score) => sum + score, 0) / scores.length).toBeCloseTo(mean, 12);
        }
        expect(dice).toEqual(expect.any(Number));
      },
      onCheckpoint: (step) => void told.push(["checkpoint", step]),
      settings: { ...SETTINGS, steps: 4, validateEvery: 4, checkpointEvery: 2 },
    });
    const [held = [], ...none] = told
      .flatMap((event) => ((event as string[])[0] === "validation" ? [event] : []))
      .map((event) => (event as [string, number, string[]])[2]);
    expect(none).toEqual([]);
    expect(held).toHaveLength(2);
    const steps = [1, 2, 3, 4].map((step) => ["step", step]);
    expect(told.slice(0, 7)).toEqual([
      ["start", 0, 4],
      ...steps.slice(0, 2),
      ["checkpoint", 2],
      ...steps.slice(2),
      ["checkpoint", 4],
    ]);
    expect(told.slice(7, 10)).toEqual([...held.map((id) => ["segmented", 4, id]), ["validation", 4, held]]);
  });

  test("makes up for a validation that a kill cut off", async () => {
    const killed = new Error("killed");
    const onValidation = (): void => {
      throw killed;
    };
    await expect(run("validating", { onValidation })).rejects.toThrow(killed);
    await run("validating", { resume: true });
    const lines = async (name: string): Promise<object[]> => {
      const text = await readFile(join(folder, name, "metrics.jsonl"), "utf8");
      return text.split("\n").flatMap((line) => {
        if (line === "") return [];
        const { seconds: _seconds, waited: _waited, ...rest } = JSON.parse(line);
        return [rest];
      });
    };
    expect(await lines("validating")).toEqual(await lines("unbroken"));
  });

  test("goes on to the same bytes with a schedule that waits for validations, and averaged weights", async () => {
    const schedule = { name: "plateau" as const, ...SCHEDULE_DEFAULTS.plateau, patience: 0, threshold: 1, factor: 0.5 };
    const settings = { ...SETTINGS, schedule, averageDecay: 0.9, validateEvery: 2, checkpointEvery: 2 };
    await run("patient", { settings });
    const stop = new AbortController();
    await run("impatient", { settings, signal: stop.signal, onStep: ({ step }) => void (step === 5 && stop.abort()) });
    await run("impatient", { resume: true });
    for (const file of ["weights.safetensors", "state.safetensors"])
      expect(await bytes("impatient", file)).toEqual(await bytes("patient", file));
    const { tensors } = readSafetensors(await bytes("patient", "state.safetensors"));
    expect([...tensors.keys()]).toEqual(expect.arrayContaining(["schedule.plateau", "trained.parameters"]));
    expect(tensors.get("schedule.plateau")?.data[0]).toBeLessThan(0.01);
  });

  test("trains and validates by the published recipe, on a network and patches that are small", async () => {
    const { features, dropout, patchSize } = SETTINGS;
    const settings = {
      ...PRESETS.paper,
      features,
      dropout,
      patchSize,
      batch: 1,
      steps: { epochs: 4 },
      validation: 0.5,
    };
    const { config } = await run("paper", { settings });
    expect(config).toMatchObject({ steps: 8, validateEvery: 4, plan: { intensity: "scan-range" }, trainingCases: 2 });
    const text = await readFile(join(folder, "paper", "metrics.jsonl"), "utf8");
    const validated = text.split("\n").filter((line) => line.includes('"validation"'));
    expect(validated.map((line) => JSON.parse(line).step)).toEqual([4, 8]);
  });

  test("counts in epochs of whole batches", async () => {
    const settings = {
      ...SETTINGS,
      batch: 2,
      steps: { epochs: 2 },
      validateEvery: { epochs: 1 },
      validation: { cases: ["case_0001"] },
    };
    const { config, step } = await run("epochs", { settings });
    expect(config).toMatchObject({ trainingCases: 3, steps: 2, validateEvery: 1, validationCases: ["case_0001"] });
    expect(step).toBe(2);
  });

  test("reads a run of version 2, which trained with Adam and a polynomial", async () => {
    const path = join(folder, "whole", "config.json");
    const {
      optimizer,
      warmup,
      clipNorm,
      averageDecay,
      objective,
      unusedCases,
      accumulate,
      keepEvery,
      rollbacks,
      ...config
    } = JSON.parse(await readFile(path, "utf8"));
    const old = { ...config, version: 2, schedule: "polynomial" };
    expect(checkRunConfig(old, path)).toEqual(JSON.parse(await readFile(path, "utf8")));
    expect(() => checkRunConfig({ ...config, version: 1 }, "old.json")).toThrow(
      "old.json: version: expected 2 or 3, got 1. Use the plseg that wrote the run, or train again.",
    );
  });

  test("goes on from the newer checkpoint if writing it was cut short between two renames", async () => {
    await stopAfter("cut", 4);
    const checkpoint = join(folder, "cut", "checkpoint-last");
    await rename(checkpoint, `${checkpoint}.new`);
    await rename(join(folder, "cut", "checkpoint-previous"), `${checkpoint}.old`);
    await writeFile(join(folder, "cut", "metrics.jsonl"), '{"step":4,"loss":1}\n{"step":5,"lo');
    expect((await run("cut", { resume: true })).step).toBe(8);
    expect(await bytes("cut", "weights.safetensors")).toEqual(await bytes("unbroken", "weights.safetensors"));
  });

  test("does not touch a run that is there already", async () => {
    const before = await readFile(join(folder, "whole", "config.json"));
    await expect(run("whole")).rejects.toThrow(/holds a run already. Choose another folder, or go on with --resume/);
    expect(await readFile(join(folder, "whole", "config.json"))).toEqual(before);
  });

  test("says what is wrong", async () => {
    const settings = { ...SETTINGS, patchSize: [1024, 1024, 1024] as [number, number, number] };
    await expect(run("huge", { settings })).rejects.toThrow(ResourceError);
    const schedule = { name: "plateau" as const, ...SCHEDULE_DEFAULTS.plateau };
    await expect(run("blind", { settings: { ...SETTINGS, schedule, validateEvery: 0 } })).rejects.toThrow(
      /schedule "plateau" needs validation, got validateEvery 0 and 0 cases kept aside/,
    );
    await expect(run("none", { resume: true })).rejects.toThrow(/there is no run to go on with/);
    await expect(run("odd", { method: "pl-sag" })).rejects.toThrow(ConfigError);
    await expect(run("lost", { data: join(folder, "nowhere") })).rejects.toThrow(DataError);
    await expect(run("crooked", { settings: { ...SETTINGS, patchSize: [15, 16, 16] } })).rejects.toThrow(
      /multiples of 2/,
    );
  });

  test.each(["weights.safetensors", "state.safetensors"])(
    "notices a flipped bit in %s, and goes on from an older checkpoint if asked",
    async (file) => {
      const name = `damaged-${file}`;
      await stopAfter(name, 5);
      const path = join(folder, name, "checkpoint-last", file);
      const damaged = await readFile(path);
      damaged[damaged.length - 2] = (damaged[damaged.length - 2] ?? 0) ^ 1;
      await writeFile(path, damaged);
      await expect(run(name, { resume: true })).rejects.toThrow(
        `${path} is damaged: it has ${damaged.length} bytes whose SHA-256 is not the one in checkpoint.json. ` +
          "Go on from an older one: --resume --from best (step 4), or previous (step 4).",
      );
      await run(name, { resume: true, from: "previous" });
      for (const each of ["weights.safetensors", "state.safetensors", "checkpoint.json"])
        expect(await bytes(name, each)).toEqual(await bytes("unbroken", each));
    },
  );

  test("notices a checkpoint that was cut short, and one that is missing", async () => {
    await stopAfter("damaged", 2);
    await truncate(join(folder, "damaged", "checkpoint-last", "weights.safetensors"), 100);
    await expect(run("damaged", { resume: true })).rejects.toThrow(/weights.safetensors is damaged: it has 100 bytes/);
    await expect(run("damaged", { resume: true, from: 7 })).rejects.toThrow(/checkpoint-000007 is missing/);
  });

  test("keeps every so many checkpoints", async () => {
    await run("kept", { settings: { ...SETTINGS, keepEvery: 3 } });
    const kept = (await readdir(join(folder, "kept"))).filter((name) => name.startsWith("checkpoint"));
    expect(kept.sort()).toEqual([
      "checkpoint-000003",
      "checkpoint-000006",
      "checkpoint-best",
      "checkpoint-last",
      "checkpoint-previous",
    ]);
    await run("kept", { resume: true, from: 3 });
    for (const file of ["weights.safetensors", "state.safetensors", "checkpoint.json"])
      expect(await bytes("kept", file)).toEqual(await bytes("unbroken", file));
  });

  test("begins anew if it was killed before its first checkpoint", async () => {
    await stopAfter("early", 1);
    for (const name of ["last", "previous"])
      await rm(join(folder, "early", `checkpoint-${name}`), { recursive: true, force: true });
    await run("early", { resume: true });
    expect(await bytes("early", "state.safetensors")).toEqual(await bytes("unbroken", "state.safetensors"));
  });

  test("stops when the disk is full, with its last checkpoint whole", async () => {
    const metrics = join(folder, "full", "metrics.jsonl");
    const fillDisk = ({ step }: { step: number }): void => {
      if (step !== 5) return;
      rmSync(metrics);
      symlinkSync("/dev/full", metrics); // a file that is always full
    };
    await expect(run("full", { onStep: fillDisk })).rejects.toThrow(
      /metrics.jsonl could not be written: the disk is full. Free some space. The last checkpoint, of step 4, is whole: go on/,
    );
    expect(JSON.parse((await bytes("full", "checkpoint.json")).toString()).step).toBe(4);
    rmSync(metrics);
    expect((await run("full", { resume: true })).step).toBe(8);
  });

  test("needs a free memory of the size of the step", async () => {
    const engine = await createNodeEngine({ memoryLimit: 1e6 });
    await expect(run("small", { engine })).rejects.toThrow(
      /needs about .* GB of memory, and 0.0 GB are free. Choose a smaller patch/,
    );
  });
});
