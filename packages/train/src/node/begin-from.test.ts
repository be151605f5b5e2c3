import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, DataError } from "@plseg/core";
import { makePhantom, phantomClasses } from "@plseg/data";
import { writeVolumeFile } from "@plseg/data/node";
import { createNodeEngine } from "@plseg/runtime/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PRESETS } from "./presets.js";
import { type Origin, readOrigin } from "./read-origin.js";
import { trainRun } from "./train-run.js";
import type { TrainRunOptions, TrainRunResult } from "./train-run-options.js";
import type { TrainSettings } from "./train-settings.js";

const SETTINGS: TrainSettings = {
  ...PRESETS.quick,
  ...{ features: [2, 4], dropout: [0], patchSize: [16, 16, 16], batch: 1, steps: 2, checkpointEvery: 1 },
};

let root = "";
const at = (...parts: string[]): string => join(root, ...parts);

async function run(out: string, data: string, overrides: Partial<TrainRunOptions> = {}): Promise<TrainRunResult> {
  return trainRun({
    ...{ data: at(data), out: at(out), method: "pl-seg", preset: "quick", settings: SETTINGS, workers: 0 },
    ...{ engine: await createNodeEngine({ threads: 1 }), engineName: "compiled", device: "cpu" },
    ...overrides,
  });
}

const weights = (out: string): Promise<Buffer> => readFile(at(out, "checkpoint-last", "weights.safetensors"));

const FIRST = ["background", "spleen", "liver"];
let origin: Origin;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-origin-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A dataset of phantoms in which some organs have these values in the files, and these are annotated. */
async function writeScans(name: string, values: Readonly<Record<string, number>>, annotated: string[]): Promise<void> {
  const organs = phantomClasses(6).names;
  const ids = ["a", "b"];
  for (const id of ids) {
    const { image, labels } = makePhantom({ size: 20, classes: 6, seed: `${name} ${id}` });
    const held = organs.map((organ) => (annotated.includes(organ) ? (values[organ] ?? 0) : 0));
    const data = Uint8Array.from(labels.data, (index) => held[index] ?? 0);
    await writeVolumeFile(at(name, "imagesTr", `${id}_0000.nii.gz`), image);
    await writeVolumeFile(at(name, "labelsTr", `${id}.nii.gz`), { ...labels, data }, { labels: true });
  }
  const labels = { background: 0, ...values };
  const description = { channel_names: { 0: "CT" }, labels, numTraining: ids.length, file_ending: ".nii.gz" };
  await writeFile(at(name, "dataset.json"), JSON.stringify(description));
  const cases = Object.fromEntries(ids.map((id) => [id, { annotated }]));
  await writeFile(at(name, "annotations.json"), JSON.stringify({ version: 1, classes: Object.keys(labels), cases }));
}

beforeAll(async () => {
  await writeScans("first", { spleen: 1, liver: 2 }, ["spleen", "liver"]);
  await writeScans("second", { aorta: 1, spleen: 5 }, ["aorta"]);
  await run("old", "first");
  origin = await readOrigin(at("old"));
});

describe("a training that begins with a model", () => {
  test("keeps the model's classes first, adds those of the dataset, and knows who annotates what", async () => {
    const { config } = await run("new", "second", { origin });
    expect(config.classes).toEqual([...FIRST, "aorta"]);
    expect(config.labelValues).toEqual([0, 1, 2, 3]); // the dataset's value of the aorta is the model's of the spleen
    expect(config.annotatedCases).toEqual({ spleen: 0, liver: 0, aorta: 2 });
    const { path, weightsSha256 } = origin;
    const from = { path, weightsSha256, classes: FIRST, deepSupervision: true, distillation: 1 };
    expect(JSON.parse(await readFile(at("new", "config.json"), "utf8")).from).toEqual(from);
    const [first = ""] = (await readFile(at("new", "metrics.jsonl"), "utf8")).split("\n");
    expect(JSON.parse(first).terms.oldClasses).toBeGreaterThanOrEqual(-1e-6);
  });

  test("begins with the model's weights", async () => {
    await run("still", "first", { origin, settings: { ...SETTINGS, learningRate: 0 }, distillation: 0 });
    const same = (await readOrigin(at("still"))).weights;
    for (const [name, values] of origin.weights)
      if (!name.includes(".running_")) expect(same.get(name), name).toEqual(values);
  });

  test("goes on to the same bytes as one that was never stopped, also when the model is gone", async () => {
    await cp(at("old"), at("moved"), { recursive: true });
    const begun = await readOrigin(at("moved"));
    await rm(at("moved"), { recursive: true });
    const settings = { ...SETTINGS, steps: 4 };
    await run("unbroken", "second", { origin: begun, settings });
    const stop = new AbortController();
    const onStep = ({ step }: { step: number }): void => void (step === 2 && stop.abort());
    await run("broken", "second", { origin: begun, settings, signal: stop.signal, onStep });
    await run("broken", "second", { resume: true });
    expect(await weights("broken")).toEqual(await weights("unbroken"));
  });

  test("draws the heads that the model does not have", async () => {
    await run("flat", "first", { method: "unet" });
    const begun = await readOrigin(at("flat"));
    expect(begun.network.deepSupervision).toBe(false);
    const { config } = await run("deep", "second", { origin: begun });
    expect(config.deepSupervision).toBe(true);
    expect((await readOrigin(at("deep"))).weights.has("head.1.weight")).toBe(true);
  });

  test("says what is wrong", async () => {
    const other = { ...SETTINGS, features: [2, 8] };
    await expect(run("no", "second", { origin, settings: other })).rejects.toThrow(ConfigError);
    await expect(readOrigin(at("second"))).rejects.toThrow(DataError);
    await expect(readOrigin(at("second"))).rejects.toThrow("is neither a run (there is no config.json) nor a bundle");
  });
});
