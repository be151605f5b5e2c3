import "@plseg/test-kit";
import { grad, mul, sum, type Tensor, type Tensor2D, tensor2d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { standardizeKernel } from "./standardize-kernel.js";

describe("standardizeKernel", () => {
  test("matches values worked out by hand", () => {
    // output 0 holds 1, 2, 3: mean 2, variance 1; output 1 holds 0, 4, 8: mean 4, variance 16
    const kernel = tensor2d([1, 0, 2, 4, 3, 8], [3, 2]);
    expect([...standardizeKernel(kernel).dataSync()]).toEqual([-1, -1, 0, 0, 1, 1]);
  });

  test("has a gradient that neither a shift nor a stretch of the kernel can feel", () => {
    const kernel = tensor2d([1, 0, 2, 4, 3.5, 9], [3, 2]);
    const upstream = tensor2d([0.3, -1, 2, 0.4, -0.7, 1], [3, 2]);
    const gradient = grad((w: Tensor) => sum(mul(standardizeKernel(w as Tensor2D), upstream)))(kernel);
    for (const along of [sum(gradient, 0), sum(mul(gradient, kernel), 0)])
      for (const value of along.dataSync()) expect(value).toBeCloseTo(0, 5);
    expect(gradient.dataSync().every((value) => Math.abs(value) > 1e-3)).toBe(true);
  });
});
