import "@plseg/test-kit";
import {
  grads,
  mul,
  randomUniform,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor5D,
  tensor1d,
  tensor5d,
} from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { batchNorm3d, batchNorm3dInference, updateRunningStatistics } from "./batch-norm-3d.js";

const x = randomUniform([2, 2, 1, 3, 2], -1, 3, "float32", 1) as Tensor5D;
const dy = randomUniform([2, 2, 1, 3, 2], -1, 1, "float32", 2) as Tensor5D;
const scale = tensor1d([1.5, -0.7]);
const offset = tensor1d([0.2, 0.4]);

describe("batchNorm3d", () => {
  test("matches values worked out by hand", () => {
    // channel 0 holds 1, 3: mean 2, variance 1; channel 1 holds 0, 4: mean 2, variance 4
    const result = batchNorm3d(tensor5d([1, 0, 3, 4], [1, 1, 1, 2, 2]), tensor1d([10, 1]), tensor1d([0, 5]), {
      epsilon: 0,
    });
    expect([...result.mean.dataSync()]).toEqual([2, 2]);
    expect([...result.variance.dataSync()]).toEqual([1, 4]);
    expect([...result.y.dataSync()]).toEqual([-10, 4, 10, 6]);
  });

  test("is right for a channel that varies little around a large value", () => {
    // steps of 1/1024 around 1000: mean 1000 + 0.5/1024 and variance 1.25/1024², of which single precision keeps
    // only half of the last place of the mean
    const steps = [-1, 0, 1, 2];
    const values = steps.map((step) => 1000 + step / 1024);
    const { y } = batchNorm3d(tensor5d(values, [1, 1, 1, 4, 1]), tensor1d([1]), tensor1d([0]), { epsilon: 0 });
    for (const [i, value] of y.dataSync().entries())
      expect(value).toBeCloseTo(((steps[i] as number) - 0.5) / Math.sqrt(1.25), 5);
  });

  test("has the gradient of its finite differences", () => {
    const loss = (x: Tensor, scale: Tensor, offset: Tensor): Tensor =>
      sum(mul(batchNorm3d(x as Tensor5D, scale as Tensor1D, offset as Tensor1D).y, dy));
    const inputs: Tensor[] = [x, scale, offset];
    const gradients = grads(loss as (...xs: Tensor[]) => Tensor)(inputs);
    for (const [k, gradient] of gradients.entries()) {
      const values = (inputs[k] as Tensor).dataSync();
      for (const [i, expected] of gradient.dataSync().entries()) {
        const moved = (step: number): number => {
          const nudged = Float32Array.from(values);
          nudged[i] = (nudged[i] as number) + step;
          return reference(inputs.map((input, j) => (j === k ? nudged : input.dataSync())) as unknown as Triple);
        };
        expect((moved(1e-2) - moved(-1e-2)) / 2e-2).toBeCloseTo(expected, 2);
      }
    }
  });

  test("gives statistics that are constants", () => {
    const through = (part: "mean" | "variance") => (): unknown =>
      grads((x) => sum(batchNorm3d(x as Tensor5D, scale, offset)[part]))([x]);
    expect(through("mean")).toThrow("Cannot compute gradient");
    expect(through("variance")).toThrow("Cannot compute gradient");
  });

  test("says which channels do not fit", () => {
    expect(() => batchNorm3d(x, tensor1d([1]), offset)).toThrow(
      "batchNorm3d: scale and the channels of x must have the same shape, got [1] and [2].",
    );
  });
});

describe("batchNorm3dInference", () => {
  test("normalizes by the statistics given", () => {
    const y = batchNorm3dInference(
      tensor5d([1, 0, 3, 4], [1, 1, 1, 2, 2]),
      { mean: tensor1d([1, 0]), variance: tensor1d([4, 1]), scale: tensor1d([2, 1]), offset: tensor1d([0, 5]) },
      { epsilon: 0 },
    );
    expect([...y.dataSync()]).toEqual([0, 5, 2, 9]);
  });

  test("agrees with training by the batch's own statistics", () => {
    const { y, mean, variance } = batchNorm3d(x, scale, offset);
    const expected = y.dataSync();
    const values = batchNorm3dInference(x, { mean, variance, scale, offset }).dataSync();
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i] as number, 5);
  });
});

describe("updateRunningStatistics", () => {
  test("moves by the momentum, with the unbiased variance", () => {
    const running = { mean: tensor1d([0]), variance: tensor1d([1]) };
    const next = updateRunningStatistics(running, { mean: tensor1d([4]), variance: tensor1d([6]) }, 4, 0.25);
    expect([...next.mean.dataSync()]).toEqual([1]); // ¾ · 0 + ¼ · 4
    expect([...next.variance.dataSync()]).toEqual([2.75]); // ¾ · 1 + ¼ · 6 · 4/3
  });

  test("stays finite when a batch holds a single value", () => {
    const one = { mean: tensor1d([1]), variance: tensor1d([0]) };
    expect([...updateRunningStatistics(one, one, 1).variance.dataSync()]).toEqual([0]);
  });
});

type Triple = [x: ArrayLike<number>, scale: ArrayLike<number>, offset: ArrayLike<number>];

/** Σ y · dy in double precision, of two channels. */
function reference([x, scale, offset]: Triple): number {
  const weights = dy.dataSync();
  let total = 0;
  for (const channel of [0, 1]) {
    const places = Array.from({ length: x.length / 2 }, (_, i) => 2 * i + channel);
    const values = places.map((i) => x[i] as number);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    for (const [i, place] of places.entries()) {
      const unit = ((values[i] as number) - mean) / Math.sqrt(variance + 1e-5);
      total += (unit * (scale[channel] as number) + (offset[channel] as number)) * (weights[place] as number);
    }
  }
  return total;
}
