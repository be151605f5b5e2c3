import { type Network, Random, type Size3D, sizeOf } from "@plseg/core";
import type { Batch } from "@plseg/data";
import { drawWeights, type FlatLayout } from "@plseg/models";
import type { Engine, EngineArray, EngineTensor } from "@plseg/runtime";
import { accumulatedStep } from "./accumulated-step.js";
import { DivergenceError, divergenceOf, NO_STEPS, type RecentSteps, withStep } from "./divergence.js";
import type { Method } from "./method.js";
import type { Objective } from "./objective.js";
import type { ObjectiveSettings } from "./objective-settings.js";
import { OPTIMIZER_DEFAULTS, type OptimizerSettings, optimizerFrom } from "./optimizer-settings.js";
import { type PlateauState, reduceOnPlateau } from "./reduce-on-plateau.js";
import { learningRateAt, SCHEDULE_DEFAULTS, type Schedule } from "./schedule.js";
import type { StepRecord } from "./step-record.js";
import { describeNetwork, LOSS_STATE, SEEDS, TRAINED, type TrainStep, trainStep } from "./train-step.js";

/** Everything that one step hands to the next, as numbers: enough to go on exactly where training stopped. */
export interface TrainState {
  /** Steps done. */
  readonly step: number;
  /** Parameters, buffers, optimizer, loss and schedule state by name. */
  readonly tensors: Readonly<Record<string, Float32Array>>;
  /** By which it is told that a step went wrong. */
  readonly recent: RecentSteps;
}

/** Where batches come from: `patchSampler`, or `patchLoader` with its worker threads. */
export interface BatchSource {
  /** The batch of a step, which must depend on the step alone. */
  sample(step: number): Batch | Promise<Batch>;
}

/** Options of {@link train}. */
export interface TrainOptions {
  /** What computes. */
  readonly engine: Engine;
  /** What is minimized. */
  readonly method: Method;
  /** What is trained. */
  readonly network: Network;
  /** Classes, background included. */
  readonly classes: number;
  /** Draws the batches; its batch size and patch size must be those given here. */
  readonly sampler: BatchSource;
  /** Voxels along depth, height, width. */
  readonly patchSize: Size3D;
  /** Patches per step. */
  readonly batch: number;
  /** Pieces of a batch of which one is in memory at a time (see `accumulatedStep`); 1 unless told. */
  readonly accumulate?: number;
  /** Steps in all, those already done included. */
  readonly steps: number;
  /** Before warm-up and schedule. */
  readonly learningRate: number;
  /** Times what learning rate, warm-up and schedule say; 1 unless told. */
  readonly slowdown?: number;
  /** How the learning rate changes; `polynomial` unless told. */
  readonly schedule?: Schedule;
  /** Steps over which the learning rate grows from 0; 0 unless told. */
  readonly warmup?: number;
  /** Turns gradients into changes; `adam` unless told. */
  readonly optimizer?: OptimizerSettings;
  /** As in `trainStep`. */
  readonly clipNorm?: number;
  /** As in `trainStep`. */
  readonly averageDecay?: number;
  /** Weights and constants of the method's objective. */
  readonly objective?: Partial<ObjectiveSettings>;
  /** Of the first weights and of dropout; patches have the seed of their sampler. */
  readonly seed: number;
  /** What the parameters and buffers are at first; drawn from the seed unless told. */
  readonly weights?: { readonly parameters: Float32Array; readonly buffers: Float32Array };
  /** Where to go on. */
  readonly state?: TrainState;
  /** Called once the step is compiled and fits into memory, before the first step; the rest as for `onStep`. */
  readonly onReady?: (snapshot: () => Promise<TrainState>, rate: (score: number) => void) => Promise<void>;
  /**
   * Called after each step; `snapshot` copies the state out, and `rate` tells the score of a validation, the larger the better,
   * to the schedule `plateau`. Snapshots taken after it know of it. Training waits for what `onStep` returns.
   */
  readonly onStep?: (
    record: StepRecord,
    snapshot: () => Promise<TrainState>,
    rate: (score: number) => void,
  ) => void | Promise<void>;
  /** Stops training between two steps. The state reached is returned. */
  readonly signal?: AbortSignal;
}

/** Name of the state of the schedule `plateau`: learning rate, best score, validations waited. */
const PLATEAU = "schedule.plateau";

/**
 * Trains a network. The same options give the same numbers, step by step, and so does going on from a state.
 *
 * @returns The state after the last step, or the one reached when the signal stopped it.
 * @throws DivergenceError if loss or gradient are no numbers any more, or explode (see `divergenceOf`).
 */
export async function train(options: TrainOptions): Promise<TrainState> {
  const { engine, method, network, classes, sampler, patchSize, batch, steps, seed, signal, onStep } = options;
  const { learningRate, slowdown = 1, clipNorm = 0, averageDecay = 0, warmup = 0, accumulate = 1 } = options;
  const schedule: Schedule = options.schedule ?? { name: "polynomial", ...SCHEDULE_DEFAULTS.polynomial };
  const objective = method.objective({
    classes,
    scales: describeNetwork(network).scales,
    ...(options.objective && { settings: options.objective }),
  });
  const stepOptions = {
    network,
    objective,
    classes,
    optimizer: optimizerFrom(options.optimizer ?? { name: "adam", ...OPTIMIZER_DEFAULTS.adam }),
    patchSize,
    batch,
    clipNorm,
    averageDecay,
  };
  const step = trainStep(stepOptions);
  const compiled =
    accumulate > 1
      ? await accumulatedStep(engine, stepOptions, accumulate)
      : await engine.compile(step.fn, step.inputs);
  const { [PLATEAU]: reached, ...stored } = options.state?.tensors ?? {};
  let tensors: Record<string, EngineArray | EngineTensor> = options.state
    ? stored
    : await initialTensors(engine, objective, step, options.weights ?? initialWeights(step.layout, seed));
  // Kept in single precision, so that going on from a checkpoint is exact.
  let plateau = reached ?? plateauVector({ learningRate, best: Number.NEGATIVE_INFINITY, waited: 0 });
  const onPlateau = schedule.name === "plateau" ? schedule : undefined;
  const rateSteps = (score: number): void => {
    if (onPlateau) plateau = plateauVector(reduceOnPlateau(plateauState(plateau), score, onPlateau));
  };
  let done = options.state?.step ?? 0;
  let recent = options.state?.recent ?? NO_STEPS;
  const snapshot = async (): Promise<TrainState> => ({
    step: done,
    recent,
    tensors: { ...(await readAll(tensors)), ...(onPlateau && { [PLATEAU]: plateau }) },
  });
  try {
    await options.onReady?.(snapshot, rateSteps);
    const started = performance.now();
    let next = done < steps ? requestBatch(sampler, done) : undefined;
    while (next && !signal?.aborted) {
      const { batch: drawn, waited } = await next();
      if (signal?.aborted) break;
      const { image, labels, annotated, seen } = drawn;
      const base = onPlateau ? plateauState(plateau).learningRate : learningRate;
      const rate = slowdown * learningRateAt(schedule, { step: done + 1, steps, learningRate: base, warmup });
      const running = compiled.run({
        ...tensors,
        image,
        labels,
        annotated,
        learningRate: Float32Array.of(rate),
        step: Float32Array.of(done + 1),
        progress: Float32Array.of(done / steps),
        seed: Float32Array.of(Random.of(seed, "dropout", done).integer(SEEDS)),
      });
      next = done + 1 < steps ? requestBatch(sampler, done + 1) : undefined; // while the engine is at work
      const outputs = await running;
      const seconds = (performance.now() - started) / 1000;
      const record = { ...(await readRecord(outputs, done + 1, rate)), seconds, waited, seen };
      const wrong = divergenceOf(record, recent);
      if (wrong !== undefined) {
        disposeAll(outputs);
        throw new DivergenceError(record, wrong, drawn);
      }
      recent = withStep(recent, record);
      disposeAll(tensors);
      tensors = Object.fromEntries(Object.keys(step.state).map((name) => [name, outputs[name] as EngineTensor]));
      for (const [name, output] of Object.entries(outputs)) if (!(name in step.state)) output.dispose();
      done++;
      await onStep?.(record, snapshot, rateSteps);
    }
    return await snapshot();
  } finally {
    disposeAll(tensors);
    await compiled.dispose();
  }
}

const plateauVector = ({ learningRate, best, waited }: PlateauState): Float32Array =>
  Float32Array.of(learningRate, best, waited);

function plateauState([learningRate = 0, best = 0, waited = 0]: Float32Array): PlateauState {
  return { learningRate, best, waited };
}

/** Asks for a batch. The function gives it, with the milliseconds that it kept this thread busy or waiting. */
function requestBatch(sampler: BatchSource, step: number): () => Promise<{ batch: Batch; waited: number }> {
  const asked = performance.now();
  const drawn = Promise.resolve(sampler.sample(step));
  drawn.catch(() => {}); // it is reported where the batch is needed
  const busy = performance.now() - asked;
  return async () => {
    const needed = performance.now();
    const batch = await drawn;
    return { batch, waited: busy + performance.now() - needed };
  };
}

/** The state before the first step: weights, and the rest as it starts. */
async function initialTensors(
  engine: Engine,
  objective: Objective,
  { state }: TrainStep,
  weights: { readonly parameters: Float32Array; readonly buffers: Float32Array },
): Promise<Record<string, Float32Array>> {
  const lossState = await initialLossState(engine, objective, state);
  const entries = Object.entries(state).map(([name, { shape }]): [string, Float32Array] => {
    const weight = name.replace(TRAINED, "");
    if (weight === "parameters" || weight === "buffers") return [name, weights[weight]];
    return [name, lossState[name] ?? new Float32Array(sizeOf(shape))];
  });
  return Object.fromEntries(entries);
}

async function initialLossState(
  engine: Engine,
  objective: Objective,
  state: TrainStep["state"],
): Promise<Record<string, Float32Array>> {
  if (!Object.keys(state).some((name) => name.startsWith(LOSS_STATE))) return {};
  const init = await engine.compile(() => objective.init(), {});
  const tensors = await init.run({});
  const numbers = await readAll(tensors);
  disposeAll(tensors);
  await init.dispose();
  return Object.fromEntries(Object.entries(numbers).map(([name, values]) => [LOSS_STATE + name, values]));
}

function initialWeights(layout: FlatLayout, seed: number): { parameters: Float32Array; buffers: Float32Array } {
  return layout.pack(drawWeights([...layout.parameters, ...layout.buffers], seed));
}

async function readRecord(
  outputs: Readonly<Record<string, EngineTensor>>,
  step: number,
  learningRate: number,
): Promise<Omit<StepRecord, "seconds" | "waited" | "seen">> {
  const scalar = async (name: string): Promise<number> => (await outputs[name]?.read())?.[0] ?? Number.NaN;
  const parts = Object.entries(outputs).filter(([name, { shape }]) => name.startsWith("term.") && shape.length === 0);
  const terms = parts.map(
    async ([name]): Promise<[string, number]> => [name.slice("term.".length), await scalar(name)],
  );
  return {
    step,
    loss: await scalar("loss"),
    terms: Object.fromEntries(await Promise.all(terms)),
    gradientNorm: await scalar("gradientNorm"),
    learningRate,
  };
}

async function readAll(
  tensors: Readonly<Record<string, EngineArray | EngineTensor>>,
): Promise<Record<string, Float32Array>> {
  const read = Object.entries(tensors).map(async ([name, tensor]) => [
    name,
    Float32Array.from("read" in tensor ? await tensor.read() : tensor),
  ]);
  return Object.fromEntries(await Promise.all(read));
}

function disposeAll(tensors: Readonly<Record<string, EngineArray | EngineTensor>>): void {
  for (const tensor of Object.values(tensors)) if ("read" in tensor) tensor.dispose();
}
