import "@plseg/test-kit";
import {
  grads,
  mul,
  ones,
  randomUniform,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor5D,
  tensor1d,
  tensor5d,
  zeros,
} from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { groupNorm3d } from "./group-norm-3d.js";

const x = randomUniform([2, 2, 1, 2, 4], -1, 3, "float32", 1) as Tensor5D;
const dy = randomUniform([2, 2, 1, 2, 4], -1, 1, "float32", 2) as Tensor5D;
const scale = tensor1d([1.5, -0.7, 0.3, 2]);
const offset = tensor1d([0.2, 0.4, -1, 0]);

describe("groupNorm3d", () => {
  test("matches values worked out by hand", () => {
    // channels 0 and 1 hold 1, 5 and 3, 7: mean 4, variance 5; channels 2 and 3 hold 0 only
    const volume = tensor5d([1, 3, 0, 0, 5, 7, 0, 0], [1, 1, 1, 2, 4]);
    const y = groupNorm3d(volume, 2, tensor1d([1, 2, 1, 1]), tensor1d([0, 1, 0, 3]), { epsilon: 4 });
    expect([...y.dataSync()]).toEqual([-1, 1 - 2 / 3, 0, 3, 1 / 3, 3, 0, 3].map((value) => expect.closeTo(value, 6)));
  });

  test("normalizes each sample by itself", () => {
    const both = groupNorm3d(x, 2, scale, offset).dataSync();
    const second = groupNorm3d(tensor5d(x.dataSync().slice(16), [1, 2, 1, 2, 4]), 2, scale, offset);
    for (const [i, value] of second.dataSync().entries()) expect(value).toBeCloseTo(both[16 + i] as number, 5);
  });

  test("has the gradient of its finite differences", () => {
    const loss = (x: Tensor, scale: Tensor, offset: Tensor): Tensor =>
      sum(mul(groupNorm3d(x as Tensor5D, 2, scale as Tensor1D, offset as Tensor1D), dy));
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

  test("says what does not fit", () => {
    const four: [Tensor1D, Tensor1D] = [ones([4]), zeros([4])];
    expect(() => groupNorm3d(x, 3, ...four)).toThrow("groupNorm3d: groups must divide the 4 channels of x, got 3.");
    expect(() => groupNorm3d(x, 2, tensor1d([1]), four[1])).toThrow(
      "groupNorm3d: scale and the channels of x must have the same shape, got [1] and [4].",
    );
  });
});

type Triple = [x: ArrayLike<number>, scale: ArrayLike<number>, offset: ArrayLike<number>];

/** Σ y · dy in double precision, of two samples with two groups of two channels. */
function reference([x, scale, offset]: Triple): number {
  const weights = dy.dataSync();
  let total = 0;
  for (const sample of [0, 1])
    for (const group of [0, 1]) {
      const places = Array.from({ length: 16 }, (_, i) => 16 * sample + i).filter((i) => (i % 4) >> 1 === group);
      const mean = places.reduce((sum, i) => sum + (x[i] as number), 0) / places.length;
      const variance = places.reduce((sum, i) => sum + ((x[i] as number) - mean) ** 2, 0) / places.length;
      for (const i of places) {
        const unit = ((x[i] as number) - mean) / Math.sqrt(variance + 1e-5);
        total += (unit * (scale[i % 4] as number) + (offset[i % 4] as number)) * (weights[i] as number);
      }
    }
  return total;
}
