import "@plseg/test-kit";
import { Random } from "@plseg/core";
import { patchSampler } from "@plseg/data";
import { plSegUnet } from "@plseg/models";
import { createEngine } from "@plseg/runtime";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { methods } from "./methods/index.js";
import { OPTIMIZER_DEFAULTS } from "./optimizer-settings.js";
import { SCHEDULE_DEFAULTS } from "./schedule.js";
import type { StepRecord } from "./step-record.js";
import { type TrainOptions, type TrainState, train } from "./train.js";
import { describeNetwork } from "./train-step.js";

const classes = 3;
const patchSize = [8, 8, 8] as const;

/** A volume with a bright and a dim box, of which one is annotated. */
function boxes(id: string, annotated: readonly boolean[]): Parameters<typeof patchSampler>[0]["cases"][number] {
  const random = Random.of(id);
  const side = 12;
  const image = new Float32Array(side ** 3).map(() => random.normal(-0.5, 0.05));
  const labels = new Uint8Array(side ** 3);
  for (const [label, corner] of [
    [1, 1],
    [2, 6],
  ] as const)
    for (let z = 0; z < 5; z++)
      for (let y = 0; y < 5; y++)
        for (let x = 0; x < 5; x++) {
          const voxel = ((z + corner) * side + y + corner) * side + x + corner;
          image[voxel] = label === 1 ? 0.6 : 0.1;
          if (annotated[label]) labels[voxel] = label;
        }
  return { id, image, labels, shape: [side, side, side], annotated };
}

const cases = [boxes("a", [true, true, false]), boxes("b", [true, false, true])];

function options(method: string, overrides: Partial<TrainOptions> = {}): TrainOptions {
  const found = methods[method];
  if (!found) throw new Error(`no method ${method}`);
  return {
    engine: createEngine({ ort, threads: 1 }),
    method: found,
    network: plSegUnet({ classes, features: [4, 8], dropout: [0, 0.1], deepSupervision: found.deepSupervision }),
    classes,
    sampler: patchSampler({ cases, patchSize, batch: 2, seed: 3 }),
    patchSize,
    batch: 2,
    steps: 12,
    learningRate: 0.01,
    seed: 5,
    ...overrides,
  };
}

async function lossesOf(trainOptions: TrainOptions): Promise<{ losses: number[]; parameters: Float32Array }> {
  const records: StepRecord[] = [];
  const { tensors } = await train({ ...trainOptions, onStep: (record) => void records.push(record) });
  return { losses: records.map(({ loss }) => loss), parameters: tensors.parameters as Float32Array };
}

describe("train", () => {
  test.each(Object.keys(methods))("%s lowers its loss", async (method) => {
    const { losses } = await lossesOf(options(method, { steps: 40 }));
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value) / values.length;
    expect(mean(losses.slice(-8))).toBeLessThan(0.8 * mean(losses.slice(0, 8)));
  });

  test("gives the same numbers for the same seed, and others for another", async () => {
    const first = await lossesOf(options("pl-seg"));
    expect((await lossesOf(options("pl-seg"))).parameters).toEqual(first.parameters);
    expect((await lossesOf(options("pl-seg", { seed: 6 }))).parameters).not.toEqual(first.parameters);
  });

  test.each([1, 2])("gives the same bits run after run on %i threads", async (threads) => {
    const run = () => train(options("pl-seg", { engine: createEngine({ ort, threads }) }));
    expect(await run()).toEqual(await run());
  });

  test("gives the same bits beside another training in the same process", async () => {
    const alone = [await train(options("pl-seg")), await train(options("pl-seg", { seed: 6 }))];
    const beside = await Promise.all([train(options("pl-seg")), train(options("pl-seg", { seed: 6 }))]);
    expect(beside).toEqual(alone);
  });

  test("does no step once it is told to stop", async () => {
    const { step, tensors } = await train(options("pl-seg", { signal: AbortSignal.abort() }));
    expect(step).toBe(0);
    expect(tensors.parameters?.some((value) => value !== 0)).toBe(true);
  });

  test("goes on exactly where it stopped", async () => {
    const unbroken = await train(options("pl-seg"));
    const stop = new AbortController();
    const half = await train(
      options("pl-seg", { signal: stop.signal, onStep: ({ step }) => void (step === 5 && stop.abort()) }),
    );
    expect(half.step).toBe(5);
    expect(await train(options("pl-seg", { state: half }))).toEqual(unbroken);
  });

  const recipes: Record<string, Partial<TrainOptions>> = {
    adamw: {
      optimizer: { name: "adamw", ...OPTIMIZER_DEFAULTS.adamw },
      schedule: { name: "cosine", minLearningRate: 0 },
    },
    "sgd, clipped": { optimizer: { name: "sgd", momentum: 0.9, weightDecay: 1e-3 }, clipNorm: 0.5, warmup: 4 },
    plateau: { schedule: { name: "plateau", ...SCHEDULE_DEFAULTS.plateau, patience: 1, factor: 0.3 }, warmup: 3 },
    "averaged weights": { averageDecay: 0.9 },
  };

  /** Trains with a validation after every second step, which sees no progress after the first. */
  async function scored(trainOptions: TrainOptions, last?: number): Promise<{ state: TrainState; rates: number[] }> {
    const stop = new AbortController();
    const rates: number[] = [];
    const state = await train({
      ...trainOptions,
      signal: stop.signal,
      onStep({ step, learningRate }, _, rate) {
        rates.push(learningRate);
        if (step % 2 === 0) rate(0.7 / step);
        if (step === last) stop.abort();
      },
    });
    return { state, rates };
  }

  test.each(Object.entries(recipes))("goes on exactly where it stopped with %s", async (name, recipe) => {
    const unbroken = await scored(options("pl-seg", recipe));
    const half = await scored(options("pl-seg", recipe), 6);
    expect(half.state.step).toBe(6);
    const rest = await scored(options("pl-seg", { ...recipe, state: half.state }));
    expect(rest.state).toEqual(unbroken.state);
    expect([...half.rates, ...rest.rates]).toEqual(unbroken.rates);
    if (name === "plateau") expect(unbroken.rates.at(-1)).toBeCloseTo(0.01 * 0.3 ** 2, 7);
  });

  test("averages weights and running statistics, and trains the same ones as without", async () => {
    const plain = await train(options("pl-seg", { steps: 2, seed: 1 }));
    const states: TrainState[] = [];
    const averaged = await train(
      options("pl-seg", {
        ...{ steps: 2, seed: 1, averageDecay: 0.999 },
        onStep: async (_, snapshot) => void states.push(await snapshot()),
      }),
    );
    expect(averaged.tensors["trained.parameters"]).toEqual(plain.tensors.parameters);
    expect(averaged.tensors["trained.buffers"]).toEqual(plain.tensors.buffers);
    // d = (1 + 2) / (10 + 2) at the second step
    for (const name of ["parameters", "buffers"]) {
      const [before, now] = [states[0]?.tensors[name], plain.tensors[name]];
      const expected = averaged.tensors[name]?.map((_, i) => 0.25 * (before?.[i] ?? 0) + 0.75 * (now?.[i] ?? 0));
      for (const [i, value] of averaged.tensors[name]?.entries() ?? [])
        expect(value).toBeCloseTo(expected?.[i] ?? 0, 5);
    }
  });

  test("weight decay pulls kernels, and neither biases nor the weights of norms", async () => {
    const network = plSegUnet({ classes, features: [4, 8], dropout: [0, 0], deepSupervision: true });
    const { layout } = describeNetwork(network);
    const after = async (weightDecay: number): Promise<Map<string, Float32Array>> => {
      const optimizer = { name: "adamw", ...OPTIMIZER_DEFAULTS.adamw, weightDecay } as const;
      const { tensors } = await train(options("pl-seg", { network, optimizer, steps: 1 }));
      return layout.unpack(tensors as { parameters: Float32Array; buffers: Float32Array });
    };
    const [with0, with1] = [await after(0), await after(1)];
    const moved = layout.parameters.filter(({ name }) => with0.get(name)?.some((w, i) => w !== with1.get(name)?.[i]));
    expect(moved.map(({ name }) => name)).toEqual(
      layout.parameters.filter(({ shape }) => shape.length > 1).map(({ name }) => name),
    );
  });

  test("supervises scales by their weights", async () => {
    const terms = async (scaleWeights: "equal" | number[]): Promise<StepRecord> => {
      const records: StepRecord[] = [];
      const objective = { scaleWeights, distillationWeight: 0, contrastiveWeight: 0 };
      await train(options("pl-seg", { objective, steps: 1, onStep: (record) => void records.push(record) }));
      return records[0] as StepRecord;
    };
    const [first, second, both] = [await terms([1, 0]), await terms([0, 3]), await terms("equal")];
    expect(Object.keys(both.terms)).toEqual(["supervised"]);
    expect(both.loss).toBeCloseTo((first.loss + second.loss) / 2, 5);
    expect((await terms([3, 1])).loss).toBeCloseTo((3 * first.loss + second.loss) / 4, 5);
    await expect(terms([1])).rejects.toThrow(
      "scaleWeights must be 2 numbers of at least 0, one for each scale, got [1].",
    );
  });

  test("agrees on the eager and the compiled engine", async () => {
    const compiled = await lossesOf(options("pl-seg", { steps: 3 }));
    const eager = await lossesOf(options("pl-seg", { steps: 3, engine: createEngine({ engine: "tfjs" }) }));
    for (const [step, loss] of compiled.losses.entries()) expect(eager.losses[step]).toBeCloseTo(loss, 4);
  });

  test("stops with an error when the loss is no longer a number", async () => {
    await expect(train(options("pl-seg", { learningRate: Number.NaN }))).rejects.toThrow(
      "train: step 2 went wrong: the loss is NaN.",
    );
  });
});
