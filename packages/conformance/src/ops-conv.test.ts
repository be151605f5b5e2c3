import { convTranspose3d, standardizeKernel } from "@plseg/ops";
import { channelsFirst, expectClose, golden } from "@plseg/test-kit";
import { add, conv3d, matMul, pad, type Tensor, type Tensor2D, type Tensor5D } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines, type Tensors } from "./engines.js";
import { output } from "./golden-tensors.js";
import { entriesOf, kernelOf, pullback, storedValues, volumesOf } from "./operators.js";
import { OPERATOR } from "./tolerances.js";

const vectors = golden("ops_conv");

/** Zeros on both sides of every spatial axis, as the reference pads; "same" pads only behind where a stride leaves one. */
const padded = (x: Tensor): Tensor5D =>
  pad(x as Tensor5D, [
    [0, 0],
    [1, 1],
    [1, 1],
    [1, 1],
    [0, 0],
  ]);

const operators: Record<string, (inputs: Tensors) => Tensor> = {
  conv1: ({ x, weight, bias }) => add(conv3d(x as Tensor5D, weight as Tensor5D, 1, "same"), bias as Tensor),
  conv1_s2: ({ x, weight }) => conv3d(x as Tensor5D, weight as Tensor5D, 2, "valid"),
  conv3_p1: ({ x, weight, bias }) => add(conv3d(x as Tensor5D, weight as Tensor5D, 1, "same"), bias as Tensor),
  conv3_p1_s2: ({ x, weight }) => conv3d(padded(x as Tensor), weight as Tensor5D, 2, "valid"),
  conv3_weight_std: ({ x, weight }) => conv3d(x as Tensor5D, standardizeKernel(weight as Tensor5D), 1, "same"),
  deconv2_s2: ({ x, weight, bias }) => add(convTranspose3d(x as Tensor5D, weight as Tensor5D), bias as Tensor),
  linear: ({ x, weight, bias }) => add(matMul(x as Tensor2D, weight as Tensor2D), bias as Tensor),
};

test("every operator of case ops_conv is tested here", () => {
  expect(entriesOf(vectors)).toEqual(Object.keys(operators).sort());
});

describe.each(engines)("convolutions, $name", ({ run }) => {
  test.each(Object.entries(operators))("agree with %s of case ops_conv", async (entry, operator) => {
    const kernels = ["weight", "bias"].filter((name) => vectors.names.includes(`${entry}.${name}`));
    const inputs = {
      ...volumesOf(vectors, entry),
      ...Object.fromEntries(kernels.map((name) => [name, kernelOf(vectors.array(`${entry}.${name}`))])),
    };
    const results = await run(pullback(operator), inputs);
    for (const name of ["out", "grad_x"]) {
      const { shape, data } = output(results, name);
      expectClose(name, channelsFirst(shape, data), vectors.array(`${entry}.${name}`).data, OPERATOR);
    }
    for (const kernel of kernels) {
      const { shape, data } = output(results, `grad_${kernel}`);
      const expected = vectors.array(`${entry}.grad_${kernel}`).data;
      expectClose(`grad_${kernel}`, storedValues(shape, data), expected, OPERATOR);
    }
  });
});
