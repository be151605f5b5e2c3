import "@plseg/test-kit";
import { scalar, type Tensor1D, tensor1d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import type { OptimizerContext } from "./optimizer.js";
import { sgd } from "./sgd.js";

const at = (step: number, decaying: Tensor1D = tensor1d([])): OptimizerContext => ({
  learningRate: scalar(0.1),
  step: scalar(step),
  decaying: () => decaying,
});

describe("sgd", () => {
  test("matches two steps worked out by hand", () => {
    const optimizer = sgd({ momentum: 0.5 });
    const one = optimizer.update(tensor1d([1]), tensor1d([2]), { velocity: tensor1d([0]) }, at(1));
    // u = 2; p = 1 − 0.1 · (2 + 0.5 · 2)
    expect(one.parameters.dataSync()[0]).toBeCloseTo(0.7, 6);
    const state = one.state as { velocity: Tensor1D };
    const { parameters, state: next } = optimizer.update(one.parameters, tensor1d([4]), state, at(2));
    // u = 1 + 4; p = 0.7 − 0.1 · (4 + 0.5 · 5)
    expect(next.velocity?.dataSync()[0]).toBeCloseTo(5, 6);
    expect(parameters.dataSync()[0]).toBeCloseTo(0.05, 6);
  });

  test("is plain gradient descent without momentum", () => {
    const { parameters } = sgd({ momentum: 0 }).update(
      tensor1d([1, 1]),
      tensor1d([3, -2]),
      { velocity: tensor1d([7, 7]) },
      at(9),
    );
    expect([...parameters.dataSync()].map((value) => Number(value.toFixed(6)))).toEqual([0.7, 1.2]);
  });

  test("adds what decays to the gradient", () => {
    const parameters = tensor1d([4, 4]);
    const { parameters: next, state } = sgd({ momentum: 0.5, weightDecay: 0.25 }).update(
      parameters,
      tensor1d([1, 1]),
      { velocity: tensor1d([0, 0]) },
      at(1, tensor1d([4, 0])),
    );
    // g = 1 + 0.25 · 4 = 2 and 1; u = g; p = 4 − 0.1 · 1.5 g
    expect([...(state.velocity?.dataSync() ?? [])]).toEqual([2, 1]);
    expect([...next.dataSync()].map((value) => Number(value.toFixed(6)))).toEqual([3.7, 3.85]);
  });

  test("refuses a weight decay below 0", () => {
    expect(() => sgd({ weightDecay: -1 })).toThrow("sgd: weightDecay must be at least 0, got -1.");
  });

  test("refuses a momentum that never forgets", () => {
    expect(() => sgd({ momentum: 1 })).toThrow("sgd: momentum must lie in [0, 1), got 1.");
  });
});
