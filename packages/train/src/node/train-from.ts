import { Random, ResourceError } from "@plseg/core";
import { patchLoader } from "@plseg/data/node";
import { DivergenceError } from "../divergence.js";
import type { StepRecord } from "../step-record.js";
import { type TrainState, train } from "../train.js";
import { writeCheckpoint } from "./checkpoint.js";
import type { CheckpointName } from "./checkpoint-folder.js";
import { appendMetrics, dropMetricsAfter, syncMetrics } from "./metrics-file.js";
import { isDue, type PreparedRun, type StartingPoint } from "./prepared-run.js";
import { rollbackFactor } from "./roll-back.js";
import type { RunProgress } from "./run-progress.js";
import { validate } from "./validate.js";

/** How far a training came. */
export interface Sitting {
  /** After the last step that was taken. */
  readonly state?: TrainState;
  readonly progress: RunProgress;
  /** The last step, if there was one. */
  readonly last?: StepRecord;
  /** Why it ended early, if a step went wrong. */
  readonly diverged?: DivergenceError;
}

/**
 * Trains from a point to the end, to a stop, or to a step that goes wrong, and writes metrics and checkpoints meanwhile.
 */
export async function trainFrom(run: PreparedRun, start: StartingPoint): Promise<Sitting> {
  const { options, config, method, network, layout, held, lock } = run;
  const { out, engine, signal } = options;
  const { rollbacks } = start.progress;
  let progress = start.progress;
  let last: StepRecord | undefined;
  let stored = start.stored ? (start.state?.step ?? 0) : undefined;

  const write = async (name: CheckpointName, state: TrainState, keepOlder = false): Promise<void> => {
    await lock.check();
    await syncMetrics(out);
    await writeCheckpoint(out, name, { state, progress }, layout, keepOlder);
  };
  const writeLast = async (state: TrainState): Promise<void> => {
    const older = stored !== undefined && stored < state.step && isDue(config.checkpointEvery, stored, config);
    await write("last", state, older);
    stored = state.step;
    await options.onCheckpoint?.(state.step);
  };
  const isToValidate = (step: number): boolean => held.length > 0 && isDue(config.validateEvery, step, config);
  const validateNow = async (snapshot: () => Promise<TrainState>, rate: (score: number) => void): Promise<void> => {
    const state = await snapshot();
    const scores = await validate({
      ...{ engine, network, layout, config, state, cases: held },
      onSegmented: (segmented) => options.onSegmented?.(state.step, segmented),
      ...(signal && { signal }),
    });
    if (!scores) return; // stopped; it is made up for when the run goes on
    await appendMetrics(out, { step: state.step, validation: scores });
    const best =
      scores.dice !== null && scores.dice > (progress.best?.dice ?? Number.NEGATIVE_INFINITY)
        ? { step: state.step, dice: scores.dice }
        : progress.best;
    const better = best !== progress.best;
    progress = { ...progress, validated: state.step, best };
    if (scores.dice !== null) rate(scores.dice);
    if (better) await write("best", await snapshot()); // it knows of the score
    await options.onValidation?.(state.step, scores);
  };

  const loader = patchLoader({
    cases: run.training,
    classes: config.classes,
    intensity: config.plan.intensity,
    patchSize: config.plan.patchSize,
    batch: config.batch,
    seed: rollbacks.length === 0 ? config.seed : Random.of("rollback", config.seed, rollbacks.length).integer(2 ** 31),
    foreground: config.foreground,
    augmentation: config.augmentation === "default" ? {} : config.augmentation,
    steps: config.steps,
    ...(options.workers !== undefined && { workers: options.workers }),
  });
  try {
    const state = await train({
      engine,
      ...(run.weights && { weights: run.weights }),
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
      slowdown: rollbackFactor(start.progress),
      schedule: config.schedule,
      warmup: config.warmup,
      clipNorm: config.clipNorm,
      averageDecay: config.averageDecay,
      objective: config.objective,
      seed: config.seed,
      ...(start.state && { state: start.state }),
      ...(signal && { signal }),
      async onReady(snapshot, rate) {
        await start.begin?.();
        const state = await snapshot();
        if (!start.stored) await write("last", state);
        stored = state.step;
        await dropMetricsAfter(out, state.step, progress.validated);
        await options.onStart?.(config, state.step);
        if (state.step > 0 && isToValidate(state.step) && progress.validated < state.step)
          await validateNow(snapshot, rate);
      },
      async onStep(record, snapshot, rate) {
        last = record;
        await appendMetrics(out, { ...record, seen: byName(record.seen, config.classes) });
        await options.onStep?.(record, config.steps);
        const isToKeep = config.keepEvery > 0 && record.step % config.keepEvery === 0;
        if (isToKeep) await write(record.step, await snapshot()); // first: a run goes on after the last one
        if (isDue(config.checkpointEvery, record.step, config)) await writeLast(await snapshot());
        if (isToValidate(record.step)) await validateNow(snapshot, rate);
      },
    });
    if (stored !== state.step || progress !== start.progress) await writeLast(state);
    return { state, progress, ...(last && { last }) };
  } catch (cause) {
    if (cause instanceof DivergenceError) return { progress, diverged: cause };
    if (stored === undefined || !isDiskFull(cause)) throw cause;
    throw new ResourceError(
      `${(cause as Error).message} The last checkpoint, of step ${stored}, is whole: go on from it with --resume.`,
      { cause },
    );
  } finally {
    await loader.close();
  }
}

function isDiskFull(error: unknown): boolean {
  const { code = "" } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  return error instanceof ResourceError && ["ENOSPC", "EDQUOT", "EFBIG"].includes(code);
}

/** The classes that were seen, by name, with in how many patches. */
function byName(seen: readonly number[], classes: readonly string[]): Record<string, number> {
  return Object.fromEntries(classes.flatMap((name, c) => (c > 0 && seen[c] ? [[name, seen[c]]] : [])));
}
