import { averagePool3d } from "@plseg/ops";
import { channelsFirst, expectClose, golden } from "@plseg/test-kit";
import {
  clipByValue,
  leakyRelu,
  logSoftmax,
  maxPool3d,
  mean,
  relu,
  reverse,
  sigmoid,
  slice,
  softmax,
  type Tensor,
  type Tensor5D,
} from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines } from "./engines.js";
import { output } from "./golden-tensors.js";
import { entriesOf, pullback, volumesOf } from "./operators.js";
import { OPERATOR } from "./tolerances.js";

const vectors = golden("ops_act_pool");

const operators: Record<string, (x: Tensor) => Tensor> = {
  avgpool2: (x) => averagePool3d(x as Tensor5D, [2, 2, 2]),
  global_avg: (x) => mean(x, [1, 2, 3], true),
  leaky_relu_001: (x) => leakyRelu(x, 0.01),
  leaky_relu_02: (x) => leakyRelu(x, 0.2),
  log_softmax_c: (x) => logSoftmax(x),
  maxpool2: (x) => maxPool3d(x as Tensor5D, 2, 2, "valid"),
  relu: (x) => relu(x),
  sigmoid: (x) => sigmoid(x),
  softmax_c: (x) => softmax(x),
  softmax_clamp: (x) => clipByValue(softmax(x), 1e-10, 1),
};

test("case ops_act_pool holds what is tested here", () => {
  expect(entriesOf(vectors)).toEqual(Object.keys(operators).sort());
});

/**
 * Where a window has several maxima, the reference's gradient goes to the first of them in scan order, as in the compiled
 * engine. The kernel of tfjs' cpu backend picks the last, which is as good a subgradient: turned around, it is the first.
 */
const turnedMaxPool = (x: Tensor): Tensor => {
  const [batch, ...spatial] = x.shape as [number, number, number, number, number];
  const even = spatial.slice(0, 3).map((size) => size - (size % 2));
  const cropped = slice(x, [0, 0, 0, 0, 0], [batch, ...even, spatial[3]]) as Tensor5D;
  return reverse(maxPool3d(reverse(cropped, [1, 2, 3]), 2, 2, "valid"), [1, 2, 3]);
};

describe.each(engines)("activations and pooling, $name", ({ name: engine, run }) => {
  test.each(Object.entries(operators))("agree with %s of case ops_act_pool", async (entry, operator) => {
    const used = entry === "maxpool2" && engine === "eager" ? turnedMaxPool : operator;
    const results = await run(
      pullback(({ x }) => used(x as Tensor)),
      volumesOf(vectors, entry),
    );
    for (const name of ["out", "grad_x"]) {
      const { shape, data } = output(results, name);
      expectClose(name, channelsFirst(shape, data), vectors.array(`${entry}.${name}`).data, OPERATOR);
    }
  });
});
