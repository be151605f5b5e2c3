import { appendFile, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ConfigError, DataError, Random, ResourceError } from "@plseg/core";
import { augmentationSettings, type Plan } from "@plseg/data";
import {
  type CachedCase,
  type Dataset,
  type DatasetCase,
  fingerprintDataset,
  openDataset,
  patchLoader,
  preprocessCases,
  writeFileAtomic,
} from "@plseg/data/node";
import { plSegUnet } from "@plseg/models";
import type { Engine } from "@plseg/runtime";
import type { Method } from "../method.js";
import { methods } from "../methods/index.js";
import { type StepRecord, train } from "../train.js";
import { describeNetwork } from "../train-step.js";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import { planRun } from "./plan-run.js";
import { checkRunConfig, type RunConfig, type TrainSettings } from "./run-config.js";
import { validate } from "./validate.js";

/** Options of {@link trainRun}. */
export interface TrainRunOptions {
  /** Folder of the dataset. */
  readonly data: string;
  /** Folder of the run; it must be empty or not exist, unless training goes on. */
  readonly out: string;
  /** Name of a method. */
  readonly method: string;
  /** Where the settings came from, for the record. */
  readonly preset: string;
  /** What can be chosen about the training; not used when it goes on. */
  readonly settings: TrainSettings;
  /** Decides what the settings leave to it (`"auto"`); one is made from the dataset without it. */
  readonly plan?: Plan;
  /** Folder where preprocessed cases are kept for the next training; `.plseg-cache` in the dataset unless told. */
  readonly cache?: string;
  /** Threads that draw patches; 0: the training draws them itself between its steps. 1 unless told. */
  readonly workers?: number;
  /** What computes. */
  readonly engine: Engine;
  /** What was asked for, for the record. */
  readonly engineName: string;
  /** Where the engine computes, for the record. */
  readonly device: string;
  /** Go on from the last checkpoint of `out`, with the settings found there. */
  readonly resume?: boolean;
  /** Kept in `manifest.json`: versions, command line. */
  readonly provenance?: Readonly<Record<string, unknown>>;
  /** Called after each case that was looked at or made ready, with what is being done. */
  readonly onPrepare?: (what: "fingerprint" | "preprocess", done: number, total: number) => void;
  /** Called after each step; `steps` are all that are planned. */
  readonly onStep?: (record: StepRecord, steps: number) => void;
  /** Called after each validation with the mean Dice over organs; `null` if none has a score. */
  readonly onValidation?: (step: number, dice: number | null) => void;
  /**
   * Training stops after the step in progress, and its checkpoint is written. Before the first step the promise rejects
   * with the signal's reason; cases that are ready stay so.
   */
  readonly signal?: AbortSignal;
}

/** What {@link trainRun} did. */
export interface TrainRunResult {
  /** What the run was made with, as in its `config.json`. */
  readonly config: RunConfig;
  /** Steps done; fewer than planned if training was stopped. */
  readonly step: number;
  /** Loss of the last step, if any was done. */
  readonly loss: number | undefined;
}

/**
 * Trains on a dataset in a run folder: `config.json`, `manifest.json`, `metrics.jsonl` (a line per step and per
 * validation), `checkpoint-last` and, with validation, `checkpoint-best`.
 *
 * @throws DataError, ConfigError or ResourceError for bad data, settings, or a machine too small; nothing is half-written.
 */
export async function trainRun(options: TrainRunOptions): Promise<TrainRunResult> {
  const { out, engine, onStep, onPrepare, onValidation, signal } = options;
  const method = methodNamed(options.method);
  const dataset = await openDataset(options.data);
  const entries = labeledCases(dataset);
  if (!options.resume) await checkNoRun(out);
  const cache = options.cache ?? join(dataset.root, ".plseg-cache");
  const config = options.resume ? await storedConfig(out) : await freshConfig(options, method, dataset, cache);
  const cases = await preprocessCases({
    dataset,
    cases: entries,
    spacing: config.plan.spacing,
    cache,
    onProgress: (done, total) => onPrepare?.("preprocess", done, total),
    ...(signal && { signal }),
  });
  const held = cases.filter(({ id }) => config.validationCases.includes(id));
  const training = cases.filter(({ id }) => !config.validationCases.includes(id));
  const network = plSegUnet({
    classes: config.classes.length,
    features: config.features,
    dropout: config.dropout,
    deepSupervision: config.deepSupervision,
  });
  const { layout } = describeNetwork(network);
  const state = options.resume ? await readCheckpoint(out, "last", layout) : undefined;

  let last: StepRecord | undefined;
  let best = Number.NEGATIVE_INFINITY;
  const log = (line: object): Promise<void> => appendLine(join(out, "metrics.jsonl"), line);
  const loader = patchLoader({
    cases: training,
    classes: config.classes,
    intensity: config.plan.intensity,
    patchSize: config.plan.patchSize,
    batch: config.batch,
    seed: config.seed,
    foreground: config.foreground,
    augmentation: config.augmentation === "default" ? {} : config.augmentation,
    steps: config.steps,
    ...(options.workers !== undefined && { workers: options.workers }),
  });
  const result = await train({
    engine,
    method,
    network,
    classes: config.classes.length,
    sampler: loader,
    patchSize: config.plan.patchSize,
    batch: config.batch,
    steps: config.steps,
    learningRate: config.learningRate,
    schedule: config.schedule,
    seed: config.seed,
    ...(state && { state }),
    ...(signal && { signal }),
    async onReady() {
      if (state) await dropLinesAfter(join(out, "metrics.jsonl"), state.step);
      else await startRun(config, cases, options);
    },
    async onStep(record, snapshot) {
      last = record;
      onStep?.(record, config.steps);
      await log({ ...record, seen: byName(record.seen, config.classes) });
      const due = (every: number): boolean => every > 0 && (record.step % every === 0 || record.step === config.steps);
      if (due(config.checkpointEvery)) await writeCheckpoint(out, "last", await snapshot(), layout);
      if (held.length > 0 && due(config.validateEvery)) {
        const reached = await snapshot();
        const scores = await validate({ engine, network, layout, config, state: reached, cases: held });
        await log({ step: record.step, validation: scores });
        onValidation?.(record.step, scores.dice);
        if (scores.dice !== null && scores.dice > best) {
          best = scores.dice;
          await writeCheckpoint(out, "best", reached, layout);
        }
      }
    },
  }).finally(() => loader.close());
  await writeCheckpoint(out, "last", result, layout);
  return { config, step: result.step, loss: last?.loss };
}

function methodNamed(name: string): Method {
  const method = methods[name];
  if (method) return method;
  throw new ConfigError(`trainRun: there is no method "${name}". Methods: ${Object.keys(methods).join(", ")}.`);
}

/** Training cases that have labels. Unlabeled ones teach nothing here and are left out. */
function labeledCases(dataset: Dataset): DatasetCase[] {
  const labeled = dataset.training.filter(({ labels, annotated }) => labels && annotated.slice(1).some(Boolean));
  if (labeled.length > 0) return labeled;
  throw new DataError(
    `trainRun: ${dataset.root} has no training case with an annotated class. Look at it with "plseg data inspect".`,
  );
}

async function freshConfig(
  { method, preset, settings, data, plan, engineName, device, onPrepare, signal }: TrainRunOptions,
  { deepSupervision }: Method,
  dataset: Dataset,
  cache: string,
): Promise<RunConfig> {
  const { classes, labelValues } = dataset;
  const cases = labeledCases(dataset);
  const validationCases = heldOut(cases, settings);
  const training = cases.filter(({ id }) => !validationCases.includes(id));
  const annotating = (index: number): number => training.filter(({ annotated }) => annotated[index]).length;
  const { spacing: _spacing, patchSize: _patchSize, intensity: _intensity, ...rest } = settings;
  return {
    version: 2,
    method,
    preset,
    ...rest,
    augmentation: filledIn(settings.augmentation),
    plan: await planRun(settings, {
      plan,
      fingerprint: () =>
        fingerprintDataset(dataset, {
          cache,
          onProgress: (done, total) => onPrepare?.("fingerprint", done, total),
          ...(signal && { signal }),
        }),
    }),
    deepSupervision,
    classes: [...classes.names],
    labelValues: [...labelValues],
    data: resolve(data),
    annotatedCases: Object.fromEntries(classes.foreground.map((name) => [name, annotating(classes.indexOf(name))])),
    trainingCases: training.length,
    validationCases,
    engine: engineName,
    device,
  };
}

const filledIn = (augmentation: TrainSettings["augmentation"]): TrainSettings["augmentation"] =>
  augmentation === "none" ? "none" : augmentationSettings(augmentation === "default" ? {} : augmentation);

/** Cases kept aside for validation: a share drawn by the seed, never all, none if nobody validates. */
function heldOut(cases: readonly DatasetCase[], { validateEvery, validation, seed }: TrainSettings): string[] {
  if (validateEvery === 0) return [];
  const count = Math.min(Math.round(validation * cases.length), cases.length - 1);
  return Random.of(seed, "validation")
    .shuffle(cases.map(({ id }) => id))
    .slice(0, count);
}

/** The classes that were seen, by name, with in how many patches. */
function byName(seen: readonly number[], classes: readonly string[]): Record<string, number> {
  return Object.fromEntries(classes.flatMap((name, c) => (c > 0 && seen[c] ? [[name, seen[c]]] : [])));
}

async function storedConfig(out: string): Promise<RunConfig> {
  const path = join(out, "config.json");
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new DataError(`trainRun: there is no run to go on with: ${path} cannot be read. Train without --resume.`, {
      cause,
    });
  });
  return checkRunConfig(JSON.parse(text), path);
}

/** @throws ConfigError if there is a run already. */
async function checkNoRun(out: string): Promise<void> {
  if (await stat(join(out, "config.json")).catch(() => undefined))
    throw new ConfigError(`trainRun: ${out} holds a run already. Choose another folder, or go on with --resume.`);
}

/** Writes what a run starts with: with the SHA-256 of the files of each case one can tell later what it has seen. */
async function startRun(
  config: RunConfig,
  cases: readonly CachedCase[],
  { out, provenance = {} }: TrainRunOptions,
): Promise<void> {
  const hashes = cases.map(({ id, inputs: [image, labels] }) => [id, { image: image?.sha256, labels: labels?.sha256 }]);
  await writeFileAtomic(join(out, "config.json"), `${JSON.stringify(config, undefined, 2)}\n`);
  const manifest = {
    ...provenance,
    seed: config.seed,
    data: config.data,
    dataHashes: Object.fromEntries(hashes),
    started: new Date().toISOString(),
  };
  await writeFileAtomic(join(out, "manifest.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** @throws ResourceError if the line cannot be written: the last checkpoint is whole, and training can go on from it. */
async function appendLine(path: string, line: object): Promise<void> {
  await appendFile(path, `${JSON.stringify(line)}\n`).catch((cause: NodeJS.ErrnoException) => {
    const full = cause.code === "ENOSPC" || cause.code === "EDQUOT";
    throw new ResourceError(
      `trainRun: ${path} could not be written: ${full ? "the disk is full" : cause.message}. Make room, then go on with --resume.`,
      { cause },
    );
  });
}

/** Drops the lines of steps that come again, after a run that went on past its last checkpoint was killed. */
async function dropLinesAfter(path: string, step: number): Promise<void> {
  const text = await readFile(path, "utf8").catch(() => "");
  const lines = text.split("\n").filter((line) => line !== "" && stepOf(line) <= step);
  await writeFileAtomic(path, lines.map((line) => `${line}\n`).join(""));
}

function stepOf(line: string): number {
  try {
    return Number((JSON.parse(line) as { step?: unknown }).step);
  } catch {
    return Number.POSITIVE_INFINITY; // the last line of a run that was killed may be cut short
  }
}
