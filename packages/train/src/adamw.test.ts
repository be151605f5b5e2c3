import "@plseg/test-kit";
import { scalar, type Tensor1D, tensor1d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { adam } from "./adam.js";
import { adamw } from "./adamw.js";
import type { OptimizerContext } from "./optimizer.js";

const context = (decaying: Tensor1D): OptimizerContext => ({
  learningRate: scalar(0.1),
  step: scalar(1),
  decaying: () => decaying,
});
const zeros = () => ({ m: tensor1d([0, 0]), v: tensor1d([0, 0]) });

describe("adamw", () => {
  test("shrinks what decays, and leaves Adam's change as it is", () => {
    const parameters = tensor1d([2, 2]);
    const decaying = tensor1d([2, 0]);
    const { parameters: next } = adamw({ weightDecay: 0.5 }).update(
      parameters,
      tensor1d([1, 1]),
      zeros(),
      context(decaying),
    );
    // Adam's first change is lr; before it the first parameter loses 0.1 · 0.5 · 2
    expect(next.dataSync()[0]).toBeCloseTo(2 - 0.1 - 0.1, 6);
    expect(next.dataSync()[1]).toBeCloseTo(2 - 0.1, 6);
  });

  test("is adam without decay", () => {
    const update = (optimizer: ReturnType<typeof adam>): number[] => [
      ...optimizer
        .update(tensor1d([1, 2]), tensor1d([3, -4]), zeros(), context(tensor1d([1, 2])))
        .parameters.dataSync(),
    ];
    expect(update(adamw({ weightDecay: 0 }))).toEqual(update(adam()));
  });

  test("refuses a weight decay below 0", () => {
    expect(() => adamw({ weightDecay: -0.1 })).toThrow("adamw: weightDecay must be at least 0, got -0.1.");
  });
});
