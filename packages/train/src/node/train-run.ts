import { join } from "node:path";
import { ConfigError } from "@plseg/core";
import { openDataset, preprocessCases } from "@plseg/data/node";
import type { Method } from "../method.js";
import { methods } from "../methods/index.js";
import { describeNetwork } from "../train-step.js";
import { inClassesOf, runMethod, weightsFrom } from "./begin-from.js";
import { freshConfig } from "./fresh-config.js";
import { labeledCases } from "./labeled-cases.js";
import type { PreparedRun, StartingPoint } from "./prepared-run.js";
import { resumeRun } from "./resume-run.js";
import { rollBack } from "./roll-back.js";
import { checkNoRun, startRun, storedConfig } from "./run-folder.js";
import { lockRun, type RunLock } from "./run-lock.js";
import { runNetwork } from "./run-network.js";
import { NO_PROGRESS } from "./run-progress.js";
import { trainFrom } from "./train-from.js";
import type { TrainRunOptions, TrainRunResult } from "./train-run-options.js";

/**
 * Trains on a dataset in a run folder: `config.json`, `manifest.json`, `metrics.jsonl` (a line per step and per
 * validation), `checkpoint-last`, the one before it, those to be kept, and, with validation, `checkpoint-best`. Only one
 * process trains in a folder.
 *
 * @throws DataError, ConfigError or ResourceError for bad data, settings, or a machine too small; nothing is half-written.
 *   PlsegError if steps go wrong again and again.
 */
export async function trainRun(options: TrainRunOptions): Promise<TrainRunResult> {
  const { out, onNotice } = options;
  const lock = await lockRun(out, { ...(onNotice && { onNotice }) });
  try {
    const { run, ...prepared } = await prepare(options, lock);
    let { start } = prepared;
    for (;;) {
      const { state, progress, last, diverged } = await trainFrom(run, start);
      if (state) return { config: run.config, step: state.step, loss: last?.loss };
      if (diverged) start = await rollBack(run, diverged, progress);
    }
  } finally {
    await lock.release();
  }
}

async function prepare(options: TrainRunOptions, lock: RunLock): Promise<{ run: PreparedRun; start: StartingPoint }> {
  const { out, resume = false, onPrepare, signal } = options;
  if (!resume) await checkNoRun(out);
  const stored = resume ? await storedConfig(out) : undefined;
  const method = methodNamed(stored?.method ?? options.method);
  const opened = await openDataset(options.data);
  const dataset = inClassesOf(opened, stored?.classes ?? options.origin?.classes ?? opened.classes.names);
  const cache = options.cache ?? join(dataset.root, ".plseg-cache");
  const config = stored ?? (await freshConfig(options, method, dataset, cache));
  const cases = await preprocessCases({
    dataset,
    cases: labeledCases(dataset).filter(({ id }) => !config.unusedCases.includes(id)),
    spacing: config.plan.spacing,
    cache,
    onProgress: (done, total) => onPrepare?.("preprocess", done, total),
    ...(signal && { signal }),
  });
  const network = runNetwork(config);
  const { layout } = describeNetwork(network);
  const run: PreparedRun = {
    ...{ options, lock, config, network, layout },
    method: runMethod(method, config, options.origin),
    ...(options.origin && !resume && { weights: weightsFrom(options.origin, layout, config) }),
    held: cases.filter(({ id }) => config.validationCases.includes(id)),
    training: cases.filter(({ id }) => !config.validationCases.includes(id)),
  };
  if (resume) return { run, start: await resumeRun(run) };
  return { run, start: { progress: NO_PROGRESS, stored: false, begin: () => startRun(config, cases, options) } };
}

function methodNamed(name: string): Method {
  const method = methods[name];
  if (method) return method;
  throw new ConfigError(`trainRun: there is no method "${name}". Methods: ${Object.keys(methods).join(", ")}.`);
}
