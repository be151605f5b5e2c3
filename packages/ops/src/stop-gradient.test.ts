import "@plseg/test-kit";
import { grad, memory, mul, square, sum, tensor1d, tidy } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { stopGradient } from "./stop-gradient.js";

describe("stopGradient", () => {
  test("has the values of its input, and no gradient", () => {
    const x = tensor1d([1, -2, 3]);
    expect([...stopGradient(x).dataSync()]).toEqual([1, -2, 3]);
    // d/dx Σ x · stopGradient(x²) = x², where Σ x · x² would give 3 x²
    const gradient = grad((x) => sum(mul(x, stopGradient(square(x)))))(x);
    expect([...gradient.dataSync()]).toEqual([1, 4, 9]);
  });

  test("leaves nothing to differentiate when all of it is stopped", () => {
    expect(() => grad((x) => sum(stopGradient(x)))(tensor1d([1, 2]))).toThrow("Cannot compute gradient");
  });

  test("shares data, and either may be disposed first", () => {
    const first = tensor1d([1, 2]);
    const second = stopGradient(first);
    expect(second.dataId).toBe(first.dataId);
    first.dispose();
    expect([...second.dataSync()]).toEqual([1, 2]);

    const third = stopGradient(second);
    third.dispose();
    expect([...second.dataSync()]).toEqual([1, 2]);
  });

  test("leaks nothing", () => {
    const x = tensor1d([1, 2]);
    const before = memory();
    tidy(() => grad((x) => sum(mul(x, stopGradient(x))))(x)).dispose();
    stopGradient(x).dispose();
    expect(memory()).toEqual(before);
    expect([...x.dataSync()]).toEqual([1, 2]);
  });
});
