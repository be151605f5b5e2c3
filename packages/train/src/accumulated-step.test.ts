import "@plseg/test-kit";
import type { Network } from "@plseg/core";
import { patchSampler } from "@plseg/data";
import { plSegUnet } from "@plseg/models";
import { createEngine } from "@plseg/runtime";
import { conv3d, mean, type Scalar, square, sub, type Tensor5D } from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { Method } from "./method.js";
import { plSeg } from "./methods/pl-seg.js";
import type { StepRecord } from "./step-record.js";
import { type TrainOptions, type TrainState, train } from "./train.js";

const classes = 3;
const patchSize = [8, 8, 8] as const;
const side = 10;

const cases = ["a", "b"].map((id, n) => {
  const image = Float32Array.from({ length: side ** 3 }, (_, i) => Math.sin(i * (n + 1.3)));
  const labels = Uint8Array.from(image, (value) => (value > 0.5 ? 1 + n : 0));
  return { id, image, labels, shape: [side, side, side] as const, annotated: [true, n === 0, n === 1] };
});

/** Two convolutions, nothing between patches. */
const withoutNorm: Network = (weights, x) => {
  const first = conv3d(x as Tensor5D, weights.get("first", [3, 3, 3, 1, 4], "xavier-normal") as Tensor5D, 1, "same");
  return [conv3d(square(first), weights.get("second", [1, 1, 1, 4, classes], "xavier-normal") as Tensor5D, 1, "same")];
};

/** A mean over voxels and patches. */
const squares: Method = {
  name: "squares",
  summary: "for this test",
  deepSupervision: false,
  objective: () => ({
    init: () => ({}),
    compute([logits], { oneHot }) {
      const value = mean(square(sub(logits as Tensor5D, oneHot))) as Scalar;
      return { value, state: {}, terms: { squares: value } };
    },
  }),
};

async function run(accumulate: number, options: Partial<TrainOptions> = {}) {
  const records: Pick<StepRecord, "loss" | "terms" | "gradientNorm">[] = [];
  const state = await train({
    ...{ engine: createEngine({ ort, threads: 1 }), method: squares, network: withoutNorm, classes, patchSize },
    sampler: patchSampler({ cases, patchSize, batch: 4, seed: 3 }),
    ...{ batch: 4, steps: 3, learningRate: 0.01, seed: 5, accumulate },
    onStep: ({ loss, terms, gradientNorm }) => void records.push({ loss, terms, gradientNorm }),
    ...options,
  });
  return { records, state };
}

describe("accumulatedStep", () => {
  test.each([
    ["compiled", createEngine({ ort, threads: 1 })],
    ["eager", createEngine({ engine: "tfjs" })],
  ])("gives the numbers of the whole batch where nothing but the mean sees it, %s", async (_, engine) => {
    const whole = await run(1, { engine });
    for (const accumulate of [2, 4]) {
      const pieces = await run(accumulate, { engine });
      for (const [i, { loss, terms, gradientNorm }] of whole.records.entries()) {
        expect(pieces.records[i]?.loss).toBeCloseTo(loss, 5);
        expect(pieces.records[i]?.terms.squares).toBeCloseTo(terms.squares ?? 0, 5);
        expect(pieces.records[i]?.gradientNorm).toBeCloseTo(gradientNorm, 4);
      }
      expect(Object.keys(pieces.state.tensors)).toEqual(Object.keys(whole.state.tensors));
      for (const [i, value] of pieces.state.tensors.parameters?.entries() ?? [])
        expect(value).toBeCloseTo(whole.state.tensors.parameters?.[i] ?? Number.NaN, 4);
    }
  });

  test("goes on exactly where it stopped, with running statistics, history, dropout and averages", async () => {
    const network = plSegUnet({ classes, features: [4, 8], dropout: [0, 0.1], deepSupervision: true });
    const recipe = { method: plSeg, network, averageDecay: 0.9, clipNorm: 1 };
    const unbroken = await run(2, recipe);
    const states: TrainState[] = [];
    await run(2, { ...recipe, onStep: async (_, snapshot) => void states.push(await snapshot()) });
    const rest = await run(2, { ...recipe, ...(states[0] && { state: states[0] }) });
    expect(rest.state).toEqual(unbroken.state);
    expect(rest.records).toEqual(unbroken.records.slice(1));
  });

  test("refuses a batch that cannot be cut", async () => {
    await expect(run(3)).rejects.toThrow("accumulatedStep: batch must be a multiple of accumulate, got 4 and 3.");
  });
});
