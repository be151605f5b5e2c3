import { readFileSync } from "node:fs";
import { expectClose, golden } from "@plseg/test-kit";
import {
  adam,
  adamw,
  clipGradient,
  learningRateAt,
  type Optimizer,
  type PlateauState,
  reduceOnPlateau,
  type Schedule,
  sgd,
} from "@plseg/train";
import { concat, norm, type Scalar, scalar, slice, type Tensor1D, tensor1d, zerosLike } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines, type Tensors } from "./engines.js";
import { entry, output, truth } from "./golden-tensors.js";

const vectors = golden("optim");
const optimizers: Record<string, Optimizer> = { adam: adam(), sgd_nesterov: sgd({ momentum: 0.99 }) };

describe.each(engines)("optimizers, $name", ({ run }) => {
  test.each(Object.entries(optimizers))("%s agrees with case optim at every step", async (name, optimizer) => {
    const update = ({ parameters, gradient, learningRate, step, ...state }: Tensors): Tensors => {
      const schedule = {
        learningRate: learningRate as Scalar,
        step: step as Scalar,
        decaying: () => parameters as Tensor1D,
      };
      const next = optimizer.update(
        parameters as Tensor1D,
        gradient as Tensor1D,
        state as Record<string, Tensor1D>,
        schedule,
      );
      return { parameters: next.parameters, ...next.state };
    };
    const gradients = vectors.array("grads");
    const expected = truth(vectors, `${name}.params`);
    const [steps = 0, size = 0] = expected.shape;
    let state: Tensors = { parameters: tensor1d(vectors.array("p0").data as Float32Array) };
    for (const vector of optimizer.vectors) state[vector] = tensor1d(new Float32Array(size));
    for (let k = 0; k < steps; k++) {
      const gradient = tensor1d(entry(gradients, k).data as Float32Array);
      const result = await run(update, { ...state, gradient, learningRate: scalar(0.01), step: scalar(k + 1) });
      state = Object.fromEntries(Object.keys(state).map((vector) => [vector, tensor1d(output(result, vector).data)]));
      // single precision: each of up to 30 steps rounds once more
      expectClose(`step ${k}`, output(result, "parameters").data, entry(expected, k).data, { ofMax: 2e-6 });
    }
  });
});

describe("reduceOnPlateau", () => {
  test.each([3, 4])("agrees with plateau%i of case optim", (patience) => {
    let state: PlateauState = { learningRate: 0.01, best: Number.NEGATIVE_INFINITY, waited: 0 };
    const rates = Array.from(vectors.array("plateau.metric").data as Float64Array, (score) => {
      state = reduceOnPlateau(state, score, { patience });
      return state.learningRate;
    });
    const expected = vectors.array(`plateau${patience}.lr`).data as Float64Array;
    expectClose("learning rates", rates, expected, { relative: 1e-9 });
    expect(Math.min(...rates), "the case reaches the least rate").toBe(1e-4);
  });
});

/** Of PyTorch; `optim-torch.py` made it. */
const torch = JSON.parse(readFileSync(new URL("__golden__/optim-torch.json", import.meta.url), "utf8"));

describe.each(engines)("PyTorch's optimizers, $name", ({ run }) => {
  const decaying: Record<string, Optimizer> = {
    adamw: adamw({ weightDecay: 0.1 }),
    sgd: sgd({ momentum: 0.9, weightDecay: 0.1 }),
  };

  test("a clipped gradient agrees at every step", async () => {
    const optimizer = sgd({ momentum: 0.9 });
    const update = ({ parameters, gradient, velocity }: Tensors): Tensors => {
      const length = norm(gradient as Tensor1D) as Scalar;
      const clipped = clipGradient(gradient as Tensor1D, length, torch.clip);
      const next = optimizer.update(
        parameters as Tensor1D,
        clipped,
        { velocity: velocity as Tensor1D },
        {
          learningRate: scalar(torch.rate),
          step: scalar(1),
          decaying: () => parameters as Tensor1D,
        },
      );
      return { parameters: next.parameters, velocity: next.state.velocity as Tensor1D, length };
    };
    let state: Tensors = { parameters: tensor1d(torch.start), velocity: zerosLike(tensor1d(torch.start)) };
    for (const [k, gradient] of torch.gradients.entries()) {
      const result = await run(update, { ...state, gradient: tensor1d(gradient) });
      state = Object.fromEntries(Object.keys(state).map((vector) => [vector, tensor1d(output(result, vector).data)]));
      expectClose(`norm ${k}`, output(result, "length").data, [torch.clipped.norms[k]], { relative: 1e-6 });
      expectClose(`step ${k}`, output(result, "parameters").data, torch.clipped.parameters[k], { ofMax: 2e-6 });
    }
  });

  test.each(Object.entries(decaying))(
    "%s agrees, where the first half of the parameters decays",
    async (name, optimizer) => {
      const update = ({ parameters, gradient, step, ...state }: Tensors): Tensors => {
        const half = slice(parameters as Tensor1D, 0, torch.start.length / 2);
        const next = optimizer.update(parameters as Tensor1D, gradient as Tensor1D, state as Record<string, Tensor1D>, {
          learningRate: scalar(torch.rate),
          step: step as Scalar,
          decaying: () => concat([half, zerosLike(half)]),
        });
        return { parameters: next.parameters, ...next.state };
      };
      let state: Tensors = { parameters: tensor1d(torch.start) };
      for (const vector of optimizer.vectors) state[vector] = zerosLike(tensor1d(torch.start));
      for (const [k, gradient] of torch.gradients.entries()) {
        const result = await run(update, { ...state, gradient: tensor1d(gradient), step: scalar(k + 1) });
        state = Object.fromEntries(Object.keys(state).map((vector) => [vector, tensor1d(output(result, vector).data)]));
        expectClose(`step ${k}`, output(result, "parameters").data, torch[name].parameters[k], { ofMax: 2e-6 });
      }
    },
  );
});

describe("learningRateAt", () => {
  const schedules: Schedule[] = [
    { name: "polynomial", power: 0.9 },
    { name: "cosine", minLearningRate: 0.001 },
    { name: "multistep", at: [0.25, 0.75], factor: 0.1 },
  ];

  test.each(schedules)("agrees with PyTorch on $name", (schedule) => {
    const expected: number[] = torch[schedule.name];
    const rates = expected.map((_, k) =>
      learningRateAt(schedule, { step: k + 1, steps: expected.length, learningRate: torch.rate }),
    );
    expectClose("learning rates", rates, expected, { relative: 1e-9 });
  });
});
