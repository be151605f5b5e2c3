import "@plseg/test-kit";
import { scalar, type Tensor1D, tensor1d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { adam } from "./adam.js";
import type { OptimizerContext } from "./optimizer.js";

const at = (step: number): OptimizerContext => ({
  learningRate: scalar(0.1),
  step: scalar(step),
  decaying: () => tensor1d([]),
});

describe("adam", () => {
  test("moves each parameter by the learning rate at its first step, whatever the size of the gradient", () => {
    // m = 0.1 g, v = 0.01 g²; corrected: g and g²; so the change is 0.1 · g / |g|
    const zeros = { m: tensor1d([0, 0]), v: tensor1d([0, 0]) };
    const { parameters } = adam().update(tensor1d([1, 1]), tensor1d([1e-3, -50]), zeros, at(1));
    const [first, second] = parameters.dataSync();
    expect(first).toBeCloseTo(0.9, 5);
    expect(second).toBeCloseTo(1.1, 5);
  });

  test("matches two steps worked out by hand", () => {
    const optimizer = adam({ beta1: 0.5, beta2: 0.75, epsilon: 0 });
    const one = optimizer.update(tensor1d([0]), tensor1d([2]), { m: tensor1d([0]), v: tensor1d([0]) }, at(1));
    // m = 1, v = 1; then m = 0.5 + 2 = 2.5, v = 0.75 + 4 = 4.75; corrected by 1 − 0.25 and 1 − 0.5625
    const { parameters, state } = optimizer.update(
      one.parameters,
      tensor1d([4]),
      one.state as Record<string, Tensor1D>,
      at(2),
    );
    expect(state.m?.dataSync()[0]).toBeCloseTo(2.5, 6);
    expect(state.v?.dataSync()[0]).toBeCloseTo(4.75, 6);
    expect(parameters.dataSync()[0]).toBeCloseTo(-0.1 - (0.1 * (2.5 / 0.75)) / Math.sqrt(4.75 / 0.4375), 6);
  });
});
