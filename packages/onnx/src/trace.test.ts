import "@plseg/test-kit";
import { averagePool3d, convTranspose3d } from "@plseg/ops";
import {
  add,
  atan,
  avgPool3d,
  cast,
  concat,
  conv2d,
  conv3d,
  depthwiseConv2d,
  div,
  engine,
  exp,
  gather,
  grads,
  LogSoftmax,
  LowerBound,
  leakyRelu,
  matMul,
  max,
  maxPool3d,
  mean,
  mod,
  mul,
  oneHot,
  pad,
  randomNormal,
  real,
  registerGradient,
  relu,
  reshape,
  softmax,
  square,
  stack,
  stridedSlice,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  type Tensor5D,
  tensor,
  tile,
  transpose,
  UpperBound,
  unique,
  unstack,
  where,
} from "@tensorflow/tfjs-core";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { Target } from "./graph.js";
import { type InputSpec, trace } from "./trace.js";

type Inputs = Record<string, Tensor>;

const TARGETS: readonly Target[] = ["cpu", "gpu"];

/** Traces `fn` for each target, runs the graph in ONNX Runtime, runs `fn` in tfjs, and compares every output. */
async function expectSame(fn: (inputs: Inputs) => Inputs, inputs: Inputs): Promise<void> {
  for (const target of TARGETS) await expectSameFor(target, fn, inputs);
}

async function expectSameFor(target: Target, fn: (inputs: Inputs) => Inputs, inputs: Inputs): Promise<void> {
  const specs = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype }]): [string, InputSpec] => [
      name,
      { shape, dtype: dtype as "float32" | "int32" },
    ]),
  );
  const { model } = trace(fn, specs, { target });
  const session = await InferenceSession.create(model, { logSeverityLevel: 3 });
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, x]) => [name, new OrtTensor(x.dtype as "float32", x.dataSync(), x.shape)]),
  );
  const results = await session.run(feeds);
  for (const [name, expected] of Object.entries(fn(inputs))) {
    const actual = results[name];
    expect(actual?.dims, name).toEqual(expected.shape);
    const numbers = expected.dataSync();
    const largest = Math.max(1e-6, ...numbers.map(Math.abs));
    for (const [i, number] of numbers.entries())
      expect(Math.abs(Number(actual?.data[i]) - number), `${name}[${i}]`).toBeLessThanOrEqual(1e-5 * largest);
  }
  await session.release();
}

const random = (shape: number[], seed = 7): Tensor => randomNormal(shape, 0, 1, "float32", seed);

describe("trace", () => {
  test("follows element-wise operations with broadcasting", () =>
    expectSame(({ x, y }) => ({ z: div(exp(sub(mul(x as Tensor, y as Tensor), 1)), add(square(y as Tensor), 2)) }), {
      x: random([2, 3, 4]),
      y: random([4], 3),
    }));

  test("brings a channel vector to a channels-first image", () =>
    expectSame(
      ({ x, k, b }) => ({ y: leakyRelu(add(conv3d(x as Tensor5D, k as Tensor5D, 1, "same"), b as Tensor), 0.01) }),
      { x: random([2, 4, 6, 5, 3]), k: random([3, 3, 3, 3, 2], 2), b: random([2], 3) },
    ));

  test.each([
    { name: "3x3x3", kernel: [3, 3, 3], strides: 1, padding: "same" as const },
    { name: "1x1x1", kernel: [1, 1, 1], strides: 1, padding: "same" as const },
    { name: "even, valid", kernel: [2, 3, 2], strides: 1, padding: "valid" as const },
    { name: "strided", kernel: [3, 3, 3], strides: 2, padding: "same" as const },
    { name: "strided, valid, odd rest", kernel: [2, 2, 2], strides: 2, padding: "valid" as const },
  ])("writes down the gradients of a $name convolution", ({ kernel, strides, padding }) =>
    expectSame(
      ({ x, k }) => {
        const [dx, dk] = grads((a: Tensor, b: Tensor) =>
          sum(square(conv3d(a as Tensor5D, b as Tensor5D, strides, padding))),
        )([x as Tensor, k as Tensor]);
        return { dx: dx as Tensor, dk: dk as Tensor };
      },
      { x: random([2, 5, 7, 6, 3]), k: random([...kernel, 3, 4], 2) },
    ),
  );

  test("dilates a convolution", () =>
    expectSame(({ x, k }) => ({ y: conv3d(x as Tensor5D, k as Tensor5D, 1, "same", "NDHWC", [1, 2, 3]) }), {
      x: random([1, 5, 7, 8, 2]),
      k: random([2, 3, 2, 2, 3], 2),
    }));

  test.each([
    { name: "3x3", size: [3, 3], strides: 1, padding: "same" as const },
    { name: "strided", size: [3, 2], strides: 2, padding: "same" as const },
    { name: "1x1, padded more than it reaches", size: [1, 1], strides: 1, padding: 2 },
  ])("writes down the gradients of a $name 2-D convolution, depthwise too", ({ size, strides, padding }) =>
    expectSame(
      ({ x, k, each }) => {
        const [dx, dk] = grads((a: Tensor, b: Tensor) =>
          sum(square(conv2d(a as Tensor4D, b as Tensor4D, strides, padding))),
        )([x as Tensor, k as Tensor]);
        const depthwise = (a: Tensor, b: Tensor) =>
          sum(square(depthwiseConv2d(a as Tensor4D, b as Tensor4D, strides, padding)));
        const [dxEach, dEach] = grads(depthwise)([x as Tensor, each as Tensor]);
        return { dx: dx as Tensor, dk: dk as Tensor, dxEach: dxEach as Tensor, dEach: dEach as Tensor };
      },
      { x: random([2, 5, 7, 3]), k: random([...size, 3, 4], 2), each: random([...size, 3, 2], 3) },
    ),
  );

  test.each([
    [1, 8],
    [8, 1],
    [2, 9],
    [9, 2],
  ])("shifts whatever is cheaper for the kernel gradient of %i to %i channels", (from, to) =>
    expectSame(
      ({ x, k }) => ({
        dk: grads((a: Tensor, b: Tensor) => sum(square(conv3d(a as Tensor5D, b as Tensor5D, 1, "same"))))([
          x as Tensor,
          k as Tensor,
        ])[1] as Tensor,
      }),
      { x: random([1, 4, 3, 5, from]), k: random([3, 3, 3, from, to], 2) },
    ),
  );

  test.each(TARGETS)("gives the gradient of max pooling to the first of equal values, for %s", async (target) => {
    const slope = (a: Tensor): Tensor => sum(mul(maxPool3d(a as Tensor5D, 2, 2, "valid"), 3));
    const spec = { x: { shape: [1, 2, 2, 2, 1] } };
    const { model } = trace(({ x }) => ({ dx: grads(slope)([x])[0] as Tensor }), spec, { target });
    const session = await InferenceSession.create(model, { logSeverityLevel: 3 });
    const { dx } = await session.run({ x: new OrtTensor("float32", new Float32Array(8).fill(5), [1, 2, 2, 2, 1]) });
    expect(Array.from(dx?.data as Float32Array)).toEqual([3, 0, 0, 0, 0, 0, 0, 0]);
  });

  test("pools, with its gradient", () =>
    expectSame(
      ({ x }) => ({
        y: maxPool3d(x as Tensor5D, 2, 2, "valid"),
        dx: grads((a: Tensor) => sum(square(maxPool3d(a as Tensor5D, 2, 2, "valid"))))([x as Tensor])[0] as Tensor,
        // windows that reach over the edge, and strides that skip
        padded: grads((a: Tensor) => sum(square(maxPool3d(a as Tensor5D, 2, 2, "same"))))([x as Tensor])[0] as Tensor,
        apart: grads((a: Tensor) => sum(square(maxPool3d(a as Tensor5D, 1, 2, "valid"))))([x as Tensor])[0] as Tensor,
      }),
      { x: random([2, 4, 5, 6, 3]) },
    ));

  test("pools with windows that overlap and hang over the border, with the gradients", () =>
    expectSame(
      ({ x }) => {
        const largest = (a: Tensor) => maxPool3d(a as Tensor5D, [2, 3, 3], [1, 2, 1], "same");
        const mean = (a: Tensor) => averagePool3d(a as Tensor5D, [3, 2, 3], { strides: [2, 1, 2], padding: "same" });
        const slope = (pool: typeof mean) => grads((a: Tensor) => sum(square(pool(a))))([x as Tensor])[0] as Tensor;
        return { a: largest(x as Tensor), b: mean(x as Tensor), c: slope(largest), d: slope(mean) };
      },
      { x: random([2, 3, 4, 5, 2]) },
    ));

  test("traces transposed convolutions, with the gradients that tfjs lacks", () =>
    expectSame(
      ({ x, k }) => {
        const run = (a: Tensor, b: Tensor) =>
          convTranspose3d(a as Tensor5D, b as Tensor5D, { strides: [2, 1, 2], padding: "same" });
        const [dx, dk] = grads((a: Tensor, b: Tensor) => sum(square(run(a, b))))([x as Tensor, k as Tensor]);
        return { y: run(x as Tensor, k as Tensor), dx: dx as Tensor, dk: dk as Tensor };
      },
      { x: random([2, 2, 3, 4, 3]), k: random([3, 2, 3, 4, 3], 2) },
    ));

  test("gives avgPool3d the derivative of what it computes, which tfjs does not at the border", async () => {
    const x = random([1, 3, 4, 5, 2]);
    const slope = (pool: (a: Tensor) => Tensor, a: Tensor): Tensor =>
      grads((v: Tensor) => sum(square(pool(v))))([a])[0] as Tensor;
    const { model } = trace(({ x }) => ({ dx: slope((a) => avgPool3d(a as Tensor5D, 3, 1, "same"), x) }), {
      x: { shape: x.shape },
    });
    const session = await InferenceSession.create(model, { logSeverityLevel: 3 });
    const { dx } = await session.run({ x: new OrtTensor("float32", x.dataSync(), x.shape) });
    const expected = slope((a) => averagePool3d(a as Tensor5D, [3, 3, 3], { strides: [1, 1, 1], padding: "same" }), x);
    for (const [i, number] of expected.dataSync().entries()) expect(dx?.data[i]).toBeCloseTo(number, 5);
  });

  test("reduces, also what is only repeated", () =>
    expectSame(
      ({ x, y }) => ({
        a: sum(x as Tensor, [1, 2], true),
        b: mean(x as Tensor),
        c: max(x as Tensor, -1),
        d: sum(tile(reshape(y as Tensor, [1, 4]), [3, 1]), 0),
        e: grads((v: Tensor) => sum(square(sum(v, 1))))([x as Tensor])[0] as Tensor,
      }),
      { x: random([2, 3, 4]), y: random([4], 3) },
    ));

  test("moves numbers about without losing track of the axes", () =>
    expectSame(
      ({ x, k }) => {
        const y = conv3d(x as Tensor5D, k as Tensor5D, 1, "same"); // channels-first in the graph
        const [first, second] = unstack(y, 1) as [Tensor, Tensor];
        return {
          flat: reshape(y, [2, 8, 3]),
          mixed: reshape(y, [4, 12]),
          turned: transpose(reshape(y, [2, 8, 3]), [2, 0, 1]),
          joined: concat([y, y], -1),
          stacked: stack([first, second], 2),
          strided: stridedSlice(y, [0, 0, 0, 0, 0], [2, 2, 2, 2, 3], [1, 1, 2, 2, 1]),
          framed: pad(
            y,
            [
              [0, 0],
              [1, 0],
              [0, 0],
              [0, 2],
              [1, 1],
            ],
            5,
          ),
          picked: gather(y, tensor([2, 0], [2], "int32"), 4),
        };
      },
      { x: random([2, 2, 2, 2, 1]), k: random([1, 1, 1, 1, 3], 2) },
    ));

  test("multiplies matrices, transposed or not, one or many", () =>
    expectSame(
      ({ a, b, c }) => ({
        one: matMul(a as Tensor2D, b as Tensor2D),
        gram: matMul(a as Tensor2D, a as Tensor2D, true, false),
        outer: matMul(a as Tensor2D, a as Tensor2D, false, true),
        many: matMul(c as Tensor, c as Tensor, true, false),
        repeated: matMul(reshape(a as Tensor, [1, 3, 4]), c as Tensor),
      }),
      { a: random([3, 4]), b: random([4, 2], 2), c: random([5, 4, 6], 3) },
    ));

  test("takes softmax over channels, and its gradient", () =>
    expectSame(
      ({ x, k }) => {
        const probabilities = (v: Tensor): Tensor => softmax(conv3d(v as Tensor5D, k as Tensor5D, 1, "same"));
        return {
          p: probabilities(x as Tensor),
          g: grads((v: Tensor) => sum(square(probabilities(v))))([x as Tensor])[0] as Tensor,
        };
      },
      { x: random([1, 2, 3, 4, 2]), k: random([1, 1, 1, 2, 5], 2) },
    ));

  test("counts labels and remainders", () =>
    expectSame(
      ({ labels, x }) => ({
        hot: oneHot(labels as Tensor, 4, 1, 0, "float32"),
        warm: oneHot(labels as Tensor, 3, 5, -5, "float32"),
        rest: mod(x as Tensor, 3),
        chosen: where(cast(oneHot(labels as Tensor, 4), "bool"), 2, -1),
      }),
      { labels: tensor([0, 3, 1, -1, 2, 7], [2, 3], "int32"), x: tensor([-7, -1, 0, 5, 8]) },
    ));

  test("knows kernels that tfjs names and its own functions go round", async () => {
    const run = (kernel: string, inputs: Inputs, attributes = {}): Tensor =>
      engine().runKernel(kernel, inputs, attributes);
    const { model } = trace(
      ({ x, sorted }) => ({
        logs: run(LogSoftmax, { logits: x }, { axis: -1 }),
        low: run(LowerBound, { sortedSequence: sorted, values: x }),
        high: run(UpperBound, { sortedSequence: sorted, values: x }),
      }),
      { x: { shape: [1, 3] }, sorted: { shape: [1, 4] } },
    );
    const session = await InferenceSession.create(model, { logSeverityLevel: 3 });
    const { logs, low, high } = await session.run({
      x: new OrtTensor("float32", Float32Array.of(1, 3, 2), [1, 3]),
      sorted: new OrtTensor("float32", Float32Array.of(1, 2, 2, 3), [1, 4]),
    });
    const total = Math.log(Math.exp(1) + Math.exp(3) + Math.exp(2));
    for (const [i, x] of [1, 3, 2].entries()) expect(logs?.data[i]).toBeCloseTo(x - total, 5);
    expect(Array.from(low?.data as Int32Array)).toEqual([0, 3, 1]);
    expect(Array.from(high?.data as Int32Array)).toEqual([1, 4, 3]);
  });

  test("says that numbers cannot be read", () => {
    expect(() => trace(({ x }) => ({ y: tensor(x.dataSync()) }), { x: { shape: [2] } })).toThrow(
      "trace: the function reads a tensor's numbers",
    );
  });

  test("says which operation cannot be traced, why, what to do, and which line called it", () => {
    expect(() => trace(({ x }) => ({ y: unique(x).values }), { x: { shape: [2] } })).toThrow(
      /^trace: the operation Unique cannot be traced: the size of its result depends on numbers.* Write the function with .* \(in unique, called at .*trace[.]test[.]ts:\d+:\d+\)?\)$/,
    );
  });

  test("names the line that asked for a gradient that cannot be traced", () => {
    registerGradient({
      kernelName: "Atan",
      inputsToSave: ["x"],
      gradFunc: (_dy, [x]) => ({ x: () => real(x as Tensor) }),
    });
    expect(() =>
      trace(({ x }) => ({ g: grads((v: Tensor) => sum(atan(v)))([x])[0] as Tensor }), { x: { shape: [2] } }),
    ).toThrow(/the operation Real cannot be traced.*in the backward pass, called at .*trace[.]test[.]ts/);
  });

  test("names an output only once", () => {
    expect(() => trace(({ x }) => ({ x }), { x: { shape: [2] } })).toThrow('trace: "x" names an input and an output.');
  });

  test("takes no memory for tensors of a size that no machine has", () => {
    const { summary } = trace(
      ({ x }) => ({ g: grads((v: Tensor) => add(sum(square(v)), mean(v)))([x])[0] as Tensor }),
      { x: { shape: [4096, 4096, 4096] } },
    );
    expect(summary().peakBytes).toBeGreaterThan(4 * 4096 ** 3);
    expect(summary().constantBytes).toBeLessThan(100);
  });

  test("drops what nothing depends on", () => {
    const { summary } = trace(
      ({ x }) => {
        exp(x);
        return { y: relu(x) };
      },
      { x: { shape: [2] } },
    );
    expect(summary().operations).toEqual({ Relu: 1 });
  });
});
