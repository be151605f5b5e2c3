import { expectClose, golden } from "@plseg/test-kit";
import { adam, type Optimizer, type PlateauState, reduceOnPlateau, sgd } from "@plseg/train";
import { type Scalar, scalar, type Tensor1D, tensor1d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines, type Tensors } from "./engines.js";
import { entry, output, truth } from "./golden-tensors.js";

const vectors = golden("optim");
const optimizers: Record<string, Optimizer> = { adam: adam(), sgd_nesterov: sgd({ momentum: 0.99 }) };

describe.each(engines)("optimizers, $name", ({ run }) => {
  test.each(Object.entries(optimizers))("%s agrees with case optim at every step", async (name, optimizer) => {
    const update = ({ parameters, gradient, learningRate, step, ...state }: Tensors): Tensors => {
      const schedule = { learningRate: learningRate as Scalar, step: step as Scalar };
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
