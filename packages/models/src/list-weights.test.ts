import "@plseg/test-kit";
import { add, memory, type Tensor5D } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { listWeights, weightRecorder } from "./list-weights.js";

describe("listWeights", () => {
  test("lists weights in order of first use, and keeps no tensor", () => {
    const before = memory().numTensors;
    const specs = listWeights(
      (weights, image) => {
        const layer = weights.at("layer").at("0");
        layer.buffer("mean", [1], "zeros");
        layer.setBuffer("mean", layer.get("bias", [1], "ones"));
        return [add(image, layer.get("bias", [1], "ones")) as Tensor5D];
      },
      [1, 1, 1, 1, 1],
    );
    expect(specs).toEqual([
      { name: "layer.0.mean", shape: [1], initializer: "zeros", kind: "buffer" },
      { name: "layer.0.bias", shape: [1], initializer: "ones", kind: "parameter" },
    ]);
    expect(memory().numTensors).toBe(before);
  });
});

describe("weightRecorder", () => {
  test("refuses two shapes for one name", () => {
    const { weights } = weightRecorder();
    weights.get("a", [2], "zeros");
    expect(() => weights.buffer("a", [3], "zeros")).toThrow(
      'weightRecorder: "a" was a parameter [2], and is now asked for as a buffer [3].',
    );
  });
});
