import "@plseg/test-kit";
import { expectClose } from "@plseg/test-kit";
import { conv3d, grads, maxPool3d, mul, randomNormal, sum, type Tensor, type Tensor5D } from "@tensorflow/tfjs-core";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { type InputSpec, type TraceSummary, trace } from "../trace.js";

type Tensors = Readonly<Record<string, Tensor>>;

/** Traces, runs in ONNX Runtime, and compares every output with the CPU backend of tfjs. Returns what the graph is made of. */
async function expectSameInGraph(
  fn: (inputs: Tensors) => Tensors,
  inputs: Tensors,
  target: "cpu" | "gpu" = "cpu",
): Promise<TraceSummary> {
  const specs = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]): [string, InputSpec] => [name, { shape }]),
  );
  const { model, summary } = trace(fn, specs, { target });
  const session = await InferenceSession.create(model, { logSeverityLevel: 3 });
  const feeds = Object.entries(inputs).map(([name, x]) => [name, new OrtTensor("float32", x.dataSync(), x.shape)]);
  const results = await session.run(Object.fromEntries(feeds));
  for (const [name, expected] of Object.entries(fn(inputs))) {
    expect(results[name]?.dims, name).toEqual(expected.shape);
    expectClose(name, results[name]?.data as Float32Array, expected.dataSync(), { ofMax: 3e-6 });
  }
  await session.release();
  return summary();
}

const random = (shape: number[], seed: number): Tensor => randomNormal(shape, 0, 1, "float32", seed);

interface Case {
  readonly what: string;
  readonly size: readonly [number, number, number];
  readonly kernel?: readonly [number, number, number];
  readonly channels?: readonly [number, number];
  readonly batch?: number;
  readonly strides?: number | [number, number, number];
  readonly padding?: "same" | "valid";
}

const CASES: readonly Case[] = [
  { what: "whole tiles", size: [8, 4, 6], channels: [16, 32] },
  { what: "odd sizes, odd channels", size: [7, 5, 3], channels: [5, 9] },
  { what: "one plane", size: [1, 4, 4], channels: [8, 8] },
  { what: "a batch", size: [6, 3, 4], channels: [6, 5], batch: 3 },
  { what: "no padding", size: [9, 6, 5], channels: [6, 7], padding: "valid" },
  { what: "a kernel of even sizes in the plane", size: [6, 5, 6], kernel: [3, 2, 4], channels: [5, 6] },
  { what: "few channels", size: [6, 5, 4], channels: [1, 7], batch: 2 },
  { what: "few channels without padding", size: [6, 5, 4], channels: [2, 3], padding: "valid" },
  { what: "a kernel of one voxel", size: [3, 5, 4], kernel: [1, 1, 1], channels: [6, 17], batch: 2 },
  { what: "a kernel of one plane", size: [3, 5, 4], kernel: [1, 3, 3], channels: [6, 4] },
  { what: "a kernel of even depth", size: [5, 4, 4], kernel: [2, 3, 2], channels: [6, 5] },
  { what: "strides", size: [7, 6, 5], channels: [6, 5], strides: 2 },
  { what: "strides in the plane", size: [4, 6, 5], channels: [6, 5], strides: [1, 2, 2] },
];

describe("3-D convolution", () => {
  for (const target of ["cpu", "gpu"] as const)
    test.each(CASES)(`of $what has the values and gradients of tfjs, for the ${target}`, async (given) => {
      const { size, kernel = [3, 3, 3], channels = [6, 5], batch = 1, strides = 1, padding = "same" } = given;
      const convolve = (x: Tensor, k: Tensor): Tensor => conv3d(x as Tensor5D, k as Tensor5D, strides, padding);
      const x = random([batch, ...size, channels[0]], 1);
      const k = random([...kernel, ...channels], 2);
      const weights = random(convolve(x, k).shape, 3);
      await expectSameInGraph(
        ({ x, k, weights }) => {
          const weighted = (a: Tensor, b: Tensor): Tensor => sum(mul(convolve(a, b), weights as Tensor));
          const [dx, dk] = grads(weighted)([x as Tensor, k as Tensor]) as [Tensor, Tensor];
          return { y: convolve(x as Tensor, k as Tensor), dx, dk };
        },
        { x, k, weights },
        target,
      );
    });

  test("takes six convolutions of planes for four planes on the CPU, and one of the volume on the GPU", async () => {
    const fn = ({ x, k }: Tensors): Tensors => ({ y: conv3d(x as Tensor5D, k as Tensor5D, 1, "same") });
    const inputs = { x: random([1, 8, 4, 4, 6], 1), k: random([3, 3, 3, 6, 6], 2) };
    const { operations } = await expectSameInGraph(fn, inputs);
    expect(operations).toMatchObject({ Conv: 2, MatMul: 5 }); // two tiles: factors and planes of each, and the kernel's factors
    expect((await expectSameInGraph(fn, inputs, "gpu")).operations).not.toHaveProperty("MatMul");
  });

  test("stays in one order of axes through convolution and pooling", async () => {
    const { operations } = await expectSameInGraph(
      ({ x, k, l }) => {
        const network = (a: Tensor, b: Tensor): Tensor => {
          const h = maxPool3d(conv3d(a as Tensor5D, b as Tensor5D, 1, "same"), 2, 2, "valid");
          return conv3d(h, l as Tensor5D, 1, "same");
        };
        const [, dk] = grads((a: Tensor, b: Tensor) => sum(network(a, b)))([x as Tensor, k as Tensor]) as [
          Tensor,
          Tensor,
        ];
        return { total: sum(network(x as Tensor, k as Tensor)), dk };
      },
      { x: random([1, 8, 6, 4, 1], 1), k: random([3, 3, 3, 1, 6], 2), l: random([3, 3, 3, 6, 5], 3) },
    );
    expect(operations.Transpose).toBe(5); // three of kernels, two for products of planes, none of a volume
  });
});
