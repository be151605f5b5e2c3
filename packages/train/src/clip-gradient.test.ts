import "@plseg/test-kit";
import { norm, type Scalar, tensor1d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { clipGradient } from "./clip-gradient.js";

const clipped = (values: number[], clipNorm: number): number[] => {
  const gradient = tensor1d(values);
  return [...clipGradient(gradient, norm(gradient) as Scalar, clipNorm).dataSync()];
};

describe("clipGradient", () => {
  test("shortens a long gradient and keeps its direction", () => {
    const [first, second] = clipped([30, -40], 5);
    expect(first).toBeCloseTo(3, 5);
    expect(second).toBeCloseTo(-4, 5);
  });

  test("leaves a short one as it is, and one of zeros", () => {
    expect(clipped([3, -4], 5.1)).toEqual([3, -4]);
    expect(clipped([0, 0], 5)).toEqual([0, 0]);
  });
});
