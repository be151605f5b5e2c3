import "@plseg/test-kit";
import { range, type Tensor1D, tensor1d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { flatLayout } from "./flat-layout.js";
import { flatWeights } from "./flat-weights.js";
import type { WeightSpec } from "./weight-spec.js";

const specs: WeightSpec[] = [
  { name: "a.kernel", shape: [1, 1, 2, 3, 2], initializer: "xavier-normal", kind: "parameter" },
  { name: "a.mean", shape: [2], initializer: "zeros", kind: "buffer" },
  { name: "b.mean", shape: [1], initializer: "zeros", kind: "buffer" },
  { name: "a.bias", shape: [2], initializer: "zeros", kind: "parameter" },
];
const layout = flatLayout(specs);
const parameters = range(0, 14) as Tensor1D;
const buffers = tensor1d([20, 21, 22]);

describe("flatWeights", () => {
  test("shows each weight as the network wants it", () => {
    const { weights, tensors } = flatWeights(layout, parameters, buffers);
    const kernel = weights.at("a").get("kernel", [1, 1, 2, 3, 2], "xavier-normal");
    // stored [out, in, …, 2]: element (w, in, out) lies at (3 · out + in) · 2 + w
    expect([...kernel.dataSync()]).toEqual([0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]);
    expect([...weights.get("a.bias", [2], "zeros").dataSync()]).toEqual([12, 13]);
    expect([...weights.buffer("a.mean", [2], "zeros").dataSync()]).toEqual([20, 21]);
    expect(tensors[0]).toBe(kernel);
  });

  test("packs gradients in stored order", () => {
    const { tensors, packGradients } = flatWeights(layout, parameters, buffers);
    expect([...packGradients(tensors).dataSync()]).toEqual([...parameters.dataSync()]);
  });

  test("keeps the buffers that were not set", () => {
    const { weights, nextBuffers } = flatWeights(layout, parameters, buffers);
    expect(nextBuffers()).toBe(buffers);
    weights.at("b").setBuffer("mean", tensor1d([5]));
    expect([...nextBuffers().dataSync()]).toEqual([20, 21, 5]);
    expect([...weights.buffer("b.mean", [1], "zeros").dataSync()]).toEqual([5]);
  });

  test("says which weight does not fit", () => {
    const { weights } = flatWeights(layout, parameters, buffers);
    expect(() => weights.get("c", [1], "zeros")).toThrow('flatWeights: the layout has no weight "c".');
    expect(() => weights.get("a.bias", [3], "zeros")).toThrow(
      'flatWeights: "a.bias" of the layout and of the network must have the same shape, got [2] and [3].',
    );
    expect(() => flatWeights(layout, buffers, buffers)).toThrow(
      "flatWeights: parameters and the layout must have the same shape, got [3] and [14].",
    );
  });
});
