import "@plseg/test-kit";
import { tensor1d, tensor5d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { instanceNorm3d } from "./instance-norm-3d.js";

describe("instanceNorm3d", () => {
  test("normalizes each channel of each sample by itself", () => {
    // sample 0: 1, 3 (mean 2, variance 1) and 0, 4 (mean 2, variance 4); sample 1: 5, 5 and 2, 8 (mean 5, variance 9)
    const x = tensor5d([1, 0, 3, 4, 5, 2, 5, 8], [2, 1, 1, 2, 2]);
    const y = instanceNorm3d(x, tensor1d([10, 1]), tensor1d([0, 5]), { epsilon: 1e-9 }).dataSync();
    for (const [i, value] of [-10, 4, 10, 6, 0, 4, 0, 6].entries()) expect(y[i]).toBeCloseTo(value, 4);
  });
});
