import { appendFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ClassSet, ConfigError, DataError, Random, type Size3D, spacingOf } from "@plseg/core";
import { patchSampler, type SampledCase, windowIntensity } from "@plseg/data";
import { type Dataset, type DatasetCase, type LoadedCase, loadCase, openDataset, writeFileAtomic } from "@plseg/data/node";
import { evaluateCase } from "@plseg/metrics";
import { plSegUnet } from "@plseg/models";
import type { Engine } from "@plseg/runtime";
import type { Method } from "../method.js";
import { methods } from "../methods/index.js";
import { type StepRecord, type TrainState, train } from "../train.js";
import { describeNetwork } from "../train-step.js";
import { checkpointFolder, readCheckpoint, writeCheckpoint } from "./checkpoint.js";
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
  readonly settings: TrainSettings;
  readonly engine: Engine;
  /** What was asked for, for the record. */
  readonly engineName: string;
  readonly device: string;
  /** Go on from the last checkpoint of `out`, with the settings found there. */
  readonly resume?: boolean;
  /** Kept in `manifest.json`: versions, command line. */
  readonly provenance?: Readonly<Record<string, unknown>>;
  readonly onStep?: (record: StepRecord, steps: number) => void;
  readonly onValidation?: (step: number, dice: number | null) => void;
  /** Training stops after the step in progress, and its checkpoint is written. */
  readonly signal?: AbortSignal;
}

/** What {@link trainRun} did. */
export interface TrainRunResult {
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
  const { out, engine, onStep, onValidation, signal } = options;
  const method = methodNamed(options.method);
  const dataset = await openDataset(options.data);
  const config = options.resume
    ? await storedConfig(out)
    : await freshConfig(options, method, dataset, await loadSpacings(dataset));
  const loaded = await loadLabeled(dataset);
  const { training, held } = split(loaded, config.validationCases);
  const network = plSegUnet({
    classes: config.classes.length,
    features: config.features,
    dropout: config.dropout,
    deepSupervision: config.deepSupervision,
  });
  const { layout } = describeNetwork(network);
  const sampler = patchSampler({ ...config, cases: training.map((entry) => sampled(entry, config)) });
  const state = options.resume ? await readCheckpoint(out, "last", layout) : undefined;
  if (!options.resume) await startRun(out, config, options);

  let last: StepRecord | undefined;
  let best = Number.NEGATIVE_INFINITY;
  const log = async (line: object): Promise<void> => appendFile(join(out, "metrics.jsonl"), `${JSON.stringify(line)}\n`);
  if (state) await keepLines(join(out, "metrics.jsonl"), state.step);
  const result = await train({
    engine,
    method,
    network,
    classes: config.classes.length,
    sampler,
    patchSize: config.patchSize,
    batch: config.batch,
    steps: config.steps,
    learningRate: config.learningRate,
    schedule: config.schedule,
    seed: config.seed,
    ...(state && { state }),
    ...(signal && { signal }),
    async onStep(record, snapshot) {
      last = record;
      onStep?.(record, config.steps);
      await log(record);
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
  });
  await writeCheckpoint(out, "last", result, layout);
  return { config, step: result.step, loss: last?.loss };
}

function methodNamed(name: string): Method {
  const method = methods[name];
  if (method) return method;
  throw new ConfigError(`trainRun: there is no method "${name}". Methods: ${Object.keys(methods).join(", ")}.`);
}

/** Training cases that have labels. Unlabeled ones teach nothing yet and are left out. */
async function loadLabeled(dataset: Dataset): Promise<LoadedCase[]> {
  const loaded: LoadedCase[] = [];
  for (const entry of labeledCases(dataset)) loaded.push(await loadCase(dataset, entry));
  return loaded;
}

function labeledCases(dataset: Dataset): DatasetCase[] {
  const labeled = dataset.training.filter(({ labels, annotated }) => labels && annotated.slice(1).some(Boolean));
  if (labeled.length > 0) return labeled;
  throw new DataError(`trainRun: ${dataset.root} has no training case with an annotated class. Look at it with "plseg data inspect".`);
}

function sampled({ id, image, labels, annotated }: LoadedCase, { intensity }: RunConfig): SampledCase {
  if (!labels) throw new DataError(`trainRun: case ${id} has no labels.`);
  return { id, image: windowIntensity(image, intensity), labels: labels.data, shape: image.shape, annotated };
}
