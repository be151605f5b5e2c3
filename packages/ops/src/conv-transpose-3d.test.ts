import "@plseg/test-kit";
import {
  conv3d,
  conv3dTranspose,
  grads,
  mul,
  randomUniform,
  sum,
  type Tensor,
  type Tensor5D,
  tensor5d,
} from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { convTranspose3d } from "./conv-transpose-3d.js";

const x = randomUniform([2, 1, 2, 3, 3], -1, 1, "float32", 1) as Tensor5D;
const kernel = randomUniform([2, 2, 2, 4, 3], -1, 1, "float32", 2) as Tensor5D;

const kernel3 = randomUniform([3, 2, 3, 4, 3], -1, 1, "float32", 4) as Tensor5D;

describe("convTranspose3d", () => {
  test("makes a block of every voxel", () => {
    const y = convTranspose3d(tensor5d([3, 5], [1, 1, 1, 2, 1]), tensor5d([1, 2, 10, 20], [1, 2, 2, 1, 1]));
    expect(y.shape).toEqual([1, 1, 2, 4, 1]);
    expect([...y.dataSync()]).toEqual([3, 6, 5, 10, 30, 60, 50, 100]);
  });

  test("gives what conv3dTranspose of tfjs gives", () => {
    const expected = conv3dTranspose(x, kernel, [2, 2, 4, 6, 4], 2, "valid").dataSync();
    for (const [i, value] of convTranspose3d(x, kernel).dataSync().entries())
      expect(value).toBeCloseTo(expected[i] as number, 5);
  });

  test("has the convolution as its gradient", () => {
    const dy = randomUniform([2, 2, 4, 6, 4], -1, 1, "float32", 3) as Tensor5D;
    const loss = (x: Tensor, kernel: Tensor): Tensor =>
      sum(mul(convTranspose3d(x as Tensor5D, kernel as Tensor5D), dy));
    const [dx, dKernel] = grads(loss as (...xs: Tensor[]) => Tensor)([x, kernel]) as [Tensor, Tensor];
    const expected = conv3d(dy, kernel, 2, "valid").dataSync();
    for (const [i, value] of dx.dataSync().entries()) expect(value).toBeCloseTo(expected[i] as number, 4);
    // y is linear in the kernel, so ⟨dKernel, kernel⟩ = ⟨dy, y⟩
    const inner = (a: Tensor, b: Tensor): number => sum(mul(a, b)).dataSync()[0] as number;
    expect(inner(dKernel, kernel)).toBeCloseTo(inner(dy, convTranspose3d(x, kernel)), 3);
  });

  test("adds kernels where they overlap", () => {
    const [row, taps] = [tensor5d([1, 10], [1, 1, 1, 2, 1]), tensor5d([1, 2, 3], [1, 1, 3, 1, 1])];
    // 1 · (1, 2, 3) from place 0 on and 10 · (1, 2, 3) from place 2 on
    expect([...convTranspose3d(row, taps, { strides: [1, 1, 2] }).dataSync()]).toEqual([1, 2, 13, 20, 30]);
    expect([...convTranspose3d(row, taps, { strides: [1, 1, 2], padding: "same" }).dataSync()]).toEqual([1, 2, 13, 20]);
  });

  test.each(["same", "valid"] as const)(
    "has the convolution as its gradient where they overlap, padding %s",
    (padding) => {
      const run = (x: Tensor, kernel: Tensor): Tensor5D =>
        convTranspose3d(x as Tensor5D, kernel as Tensor5D, { strides: [2, 1, 2], padding });
      const y = run(x, kernel3);
      const dy = randomUniform(y.shape, -1, 1, "float32", 3) as Tensor5D;
      const loss = (x: Tensor, kernel: Tensor): Tensor => sum(mul(run(x, kernel), dy));
      const [dx, dKernel] = grads(loss as (...xs: Tensor[]) => Tensor)([x, kernel3]) as [Tensor, Tensor];
      const expected = conv3d(dy, kernel3, [2, 1, 2], padding).dataSync();
      for (const [i, value] of dx.dataSync().entries()) expect(value).toBeCloseTo(expected[i] as number, 4);
      const inner = (a: Tensor, b: Tensor): number => sum(mul(a, b)).dataSync()[0] as number;
      expect(inner(dKernel, kernel3)).toBeCloseTo(inner(dy, y), 3);
    },
  );

  test("says which channels do not fit", () => {
    expect(() => convTranspose3d(x, tensor5d([1, 2], [1, 1, 1, 1, 2]))).toThrow(
      "convTranspose3d: kernel takes 2 channels, but x has 3. Its shape is [depth, height, width, out, in].",
    );
  });
});
