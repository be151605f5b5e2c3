import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PlsegError } from "@plseg/core";
import { writePhantomDataset } from "@plseg/data/node";
import type { CompiledFunction, Engine } from "@plseg/runtime";
import { createNodeEngine } from "@plseg/runtime/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Incident } from "./incident.js";
import { PRESETS } from "./presets.js";
import { trainRun } from "./train-run.js";
import type { TrainRunOptions, TrainRunResult } from "./train-run-options.js";
import type { TrainSettings } from "./train-settings.js";

const SETTINGS: TrainSettings = {
  ...PRESETS.quick,
  ...{ features: [2, 4], dropout: [0.1], patchSize: [16, 16, 16], batch: 2, steps: 8, checkpointEvery: 2 },
};

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-rollback-"));
  await writePhantomDataset({ out: join(root, "data"), cases: 3, size: 20, classes: 6, annotated: 2, seed: 1 });
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Learning rate of a step without rollbacks. */
const nominal = (step: number): number => 0.01 * (1 - (step - 1) / 8) ** 0.9;

/** An engine whose losses of step 6 are no numbers as long as its learning rate is more than a part of what was planned. */
async function faultyEngine(part: number): Promise<Engine> {
  const engine = await createNodeEngine({ threads: 1 });
  const compile: Engine["compile"] = async (fn, inputs, options) => {
    const compiled: CompiledFunction = await engine.compile(fn, inputs, options);
    return {
      dispose: () => compiled.dispose(),
      async run(feeds) {
        const { loss, ...outputs } = await compiled.run(feeds);
        if (!loss) return outputs;
        const [step, rate] = [feeds.step, feeds.learningRate] as [Float32Array, Float32Array];
        const wrong = step[0] === 6 && (rate[0] ?? 0) > part * nominal(6);
        const read = async (): Promise<Float32Array> =>
          wrong ? Float32Array.of(Number.NaN) : Float32Array.from(await loss.read());
        return { ...outputs, loss: { shape: loss.shape, read, dispose: () => loss.dispose() } };
      },
    };
  };
  return { name: engine.name, compile };
}

interface Outcome extends TrainRunResult {
  readonly incidents: readonly Incident[];
}

async function run(name: string, part: number, overrides: Partial<TrainRunOptions> = {}): Promise<Outcome> {
  const incidents: Incident[] = [];
  const result = await trainRun({
    ...{ data: join(root, "data"), out: join(root, name), method: "pl-seg", preset: "quick", settings: SETTINGS },
    ...{ engine: await faultyEngine(part), engineName: "compiled", device: "cpu", workers: 0 },
    onIncident: (incident) => void incidents.push(incident),
    ...overrides,
  });
  return { ...result, incidents };
}

const read = (name: string, ...path: string[]): Promise<string> => readFile(join(root, name, ...path), "latin1");

async function expectSameEnd(name: string, other: string): Promise<void> {
  for (const file of ["weights.safetensors", "state.safetensors", "checkpoint.json"])
    expect(await read(name, "checkpoint-last", file)).toBe(await read(other, "checkpoint-last", file));
  expect(await readdir(join(root, name, "incidents"))).toEqual(await readdir(join(root, other, "incidents")));
}

describe("rollBack", () => {
  test("goes back to the last checkpoint, draws other patches at half the learning rate, and gets past the step", async () => {
    const losses: number[] = [];
    const { step, incidents } = await run("once", 0.9, {
      onStep: (record) => void (record.step === 5 && losses.push(record.loss)),
    });
    expect(losses).toHaveLength(2);
    expect(losses[0]).not.toBe(losses[1]); // from the same weights, on other patches
    expect(step).toBe(8);
    const file = join(root, "once", "incidents", "step-000006-1.json");
    expect(incidents).toEqual([{ step: 6, reason: "the loss is NaN", to: 4, file }]);
    const incident = JSON.parse(await readFile(file, "utf8"));
    expect(incident).toMatchObject({ step: 6, loss: "NaN", rolledBackTo: 4, gradientNorm: expect.any(Number) });
    expect(incident.patches).toHaveLength(2);
    const [patch] = incident.patches;
    expect(patch).toMatchObject({ case: expect.stringMatching(/^case_000\d$/), notFinite: 0 });
    expect(patch.annotated).toHaveLength(2);
    expect(Object.values(patch.voxels as Record<string, number>).reduce((sum, n) => sum + n)).toBe(16 ** 3);
    expect(patch.intensity.min).toBeGreaterThanOrEqual(-1);

    const lines = (await read("once", "metrics.jsonl"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const line of lines) expect(line.learningRate).toBeCloseTo(nominal(line.step) * (line.step > 4 ? 0.5 : 1), 10);
    expect(JSON.parse(await read("once", "checkpoint-last", "checkpoint.json")).progress.rollbacks).toEqual([
      { step: 6, to: 4 },
    ]);
  });

  test.each([
    ["before it has gone back", "onIncident"],
    ["after it has gone back", "onStart"],
  ] as const)("ends with the same bytes if it is killed %s", async (when, moment) => {
    const name = `killed ${when}`;
    const killed = new Error("killed");
    let starts = 0;
    const kill = (): void => {
      if (moment === "onIncident" || ++starts === 2) throw killed;
    };
    await expect(run(name, 0.9, { [moment]: kill })).rejects.toThrow(killed);
    await run(name, 0.9, { resume: true });
    await expectSameEnd(name, "once");
  });

  test("ends with the same bytes if it is stopped beside the schedule of checkpoints", async () => {
    const stop = new AbortController();
    await run("stopped", 0.9, { signal: stop.signal, onStep: ({ step }) => void (step === 5 && stop.abort()) });
    const { incidents } = await run("stopped", 0.9, { resume: true });
    expect(incidents.map(({ to }) => to)).toEqual([4]);
    await expectSameEnd("stopped", "once");
  });

  test("goes further back if it fails again: to a checkpoint that was kept, or to the beginning", async () => {
    const { incidents } = await run("twice", 0.4);
    expect(incidents.map(({ step, to }) => [step, to])).toEqual([
      [6, 4],
      [6, 0],
    ]);
    const kept = await run("kept", 0.4, { settings: { ...SETTINGS, keepEvery: 3 } });
    expect(kept.incidents.map(({ to }) => to)).toEqual([4, 3]);
  });

  test("gives up in the end, with a sound checkpoint", async () => {
    const settings = { ...SETTINGS, rollbacks: 1 };
    const error = await run("hopeless", 0, { settings }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(PlsegError);
    expect((error as Error).message).toMatch(
      /^trainRun: step 6 went wrong: the loss is NaN, after 1 rollbacks of 1 that the settings allow. The last checkpoint is sound. .*step-000006-2.json says what the step saw/,
    );
    expect(JSON.parse(await read("hopeless", "checkpoint-last", "checkpoint.json")).step).toBe(4);
  });
});
