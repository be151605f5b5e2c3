import { join } from "node:path";
import { ConfigError } from "@plseg/core";
import { openDataset, patchLoader, preprocessCases } from "@plseg/data/node";
import type { Method } from "../method.js";
import { methods } from "../methods/index.js";
import { type StepRecord, type TrainState, train } from "../train.js";
import { describeNetwork } from "../train-step.js";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import { freshConfig } from "./fresh-config.js";
import { labeledCases } from "./labeled-cases.js";
import { appendMetrics, dropMetricsAfter } from "./metrics-file.js";
import { checkNoRun, startRun, storedConfig } from "./run-folder.js";
import { runNetwork } from "./run-network.js";
import { NO_PROGRESS } from "./run-progress.js";
import type { TrainRunOptions, TrainRunResult } from "./train-run-options.js";
import { validate } from "./validate.js";

/**
 * Trains on a dataset in a run folder: `config.json`, `manifest.json`, `metrics.jsonl` (a line per step and per
 * validation), `checkpoint-last` and, with validation, `checkpoint-best`.
 *
 * @throws DataError, ConfigError or ResourceError for bad data, settings, or a machine too small; nothing is half-written.
 */
export async function trainRun(options: TrainRunOptions): Promise<TrainRunResult> {
  const { out, engine, onStep, onPrepare, onSegmented, onValidation, signal } = options;
  const method = methodNamed(options.method);
  const dataset = await openDataset(options.data);
  const entries = labeledCases(dataset);
  if (!options.resume) await checkNoRun(out);
  const cache = options.cache ?? join(dataset.root, ".plseg-cache");
  const config = options.resume ? await storedConfig(out) : await freshConfig(options, method, dataset, cache);
  const cases = await preprocessCases({
    dataset,
    cases: entries.filter(({ id }) => !config.unusedCases.includes(id)),
    spacing: config.plan.spacing,
    cache,
    onProgress: (done, total) => onPrepare?.("preprocess", done, total),
    ...(signal && { signal }),
  });
  const held = cases.filter(({ id }) => config.validationCases.includes(id));
  const training = cases.filter(({ id }) => !config.validationCases.includes(id));
  const network = runNetwork(config);
  const { layout } = describeNetwork(network);
  const found = options.resume ? await readCheckpoint(out, "last", layout) : undefined;
  let progress = found?.progress ?? NO_PROGRESS;

  let last: StepRecord | undefined;
  const due = (every: number, step: number): boolean => every > 0 && (step % every === 0 || step === config.steps);
  const validateState = async (state: TrainState, rate: (score: number) => void): Promise<void> => {
    const scores = await validate({
      ...{ engine, network, layout, config, state, cases: held },
      onSegmented: (segmented) => onSegmented?.(state.step, segmented),
    });
    await appendMetrics(out, { step: state.step, validation: scores });
    const better = scores.dice !== null && scores.dice > (progress.best?.dice ?? Number.NEGATIVE_INFINITY);
    progress = {
      ...progress,
      validated: state.step,
      ...(better && scores.dice !== null && { best: { step: state.step, dice: scores.dice } }),
    };
    if (scores.dice !== null) rate(scores.dice);
    if (better) await writeCheckpoint(out, "best", { state, progress }, layout);
    await onValidation?.(state.step, scores);
  };
  const keepState = async (state: TrainState): Promise<void> => {
    await writeCheckpoint(out, "last", { state, progress }, layout);
    await options.onCheckpoint?.(state.step);
  };
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
  const state = await train({
    engine,
    method,
    network,
    classes: config.classes.length,
    sampler: loader,
    patchSize: config.plan.patchSize,
    batch: config.batch,
    accumulate: config.accumulate,
    steps: config.steps,
    optimizer: config.optimizer,
    learningRate: config.learningRate,
    schedule: config.schedule,
    warmup: config.warmup,
    clipNorm: config.clipNorm,
    averageDecay: config.averageDecay,
    objective: config.objective,
    seed: config.seed,
    ...(found && { state: found.state }),
    ...(signal && { signal }),
    async onReady(rate) {
      if (found) await dropMetricsAfter(out, found.state.step, progress.validated);
      else await startRun(config, cases, options);
      await options.onStart?.(config, found?.state.step ?? 0);
      if (!found) return;
      const missed = due(config.validateEvery, found.state.step) && progress.validated < found.state.step;
      if (held.length > 0 && missed) await validateState(found.state, rate);
    },
    async onStep(record, snapshot, rate) {
      last = record;
      await appendMetrics(out, { ...record, seen: byName(record.seen, config.classes) });
      await onStep?.(record, config.steps);
      if (due(config.checkpointEvery, record.step)) await keepState(await snapshot());
      if (held.length > 0 && due(config.validateEvery, record.step)) await validateState(await snapshot(), rate);
    },
  }).finally(() => loader.close());
  await keepState(state);
  return { config, step: state.step, loss: last?.loss };
}

function methodNamed(name: string): Method {
  const method = methods[name];
  if (method) return method;
  throw new ConfigError(`trainRun: there is no method "${name}". Methods: ${Object.keys(methods).join(", ")}.`);
}

/** The classes that were seen, by name, with in how many patches. */
function byName(seen: readonly number[], classes: readonly string[]): Record<string, number> {
  return Object.fromEntries(classes.flatMap((name, c) => (c > 0 && seen[c] ? [[name, seen[c]]] : [])));
}
