import { resizeTrilinear } from "@plseg/ops";
import { expectClose } from "@plseg/test-kit";
import {
  add,
  concat,
  conv3d,
  leakyRelu,
  maxPool3d,
  mul,
  randomNormal,
  slice,
  softmax,
  type Tensor,
  type Tensor5D,
  transpose,
} from "@tensorflow/tfjs-core";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { trace } from "./trace.js";

const kernels = (
  [
    [3, 3, 3, 1, 6],
    [3, 3, 3, 6, 5],
    [1, 1, 1, 5, 5],
    [3, 3, 3, 10, 5],
    [1, 1, 1, 5, 3],
  ] as const
).map((shape, seed) => randomNormal([...shape], 0, 0.2, "float32", seed) as Tensor5D);
const scale = randomNormal([6], 1, 0.2, "float32", 9);
const offsets = randomNormal([2, 1, 1, 1, 5], 0, 1, "float32", 10);

/** A small U-Net, with all that networks have in it. */
function network(x: Tensor5D): Tensor5D {
  const convolve = (h: Tensor5D, k: number): Tensor5D => conv3d(h, kernels[k] as Tensor5D, 1, "same");
  const [batch, depth, height, width] = x.shape;
  const fine = leakyRelu(convolve(leakyRelu(mul(convolve(x, 0), scale), 0.1) as Tensor5D, 1), 0.1) as Tensor5D;
  const coarse = convolve(maxPool3d(fine, 2, 2, "valid"), 2);
  const up = add(resizeTrilinear(coarse, [depth, height, width]), slice(offsets, 0, batch)) as Tensor5D;
  return softmax(convolve(convolve(concat([fine, up], 4), 3), 4)) as Tensor5D;
}

describe("a streamed graph", () => {
  test.each([
    [1, 12],
    [1, 10],
    [2, 8],
    [2, 6],
    [1, 4],
  ])("of %i volumes of %i planes gives the numbers of TensorFlow.js, in pieces", async (batch, depth) => {
    const x = randomNormal([batch, depth, 6, 4, 1], 0, 1, "float32", 11) as Tensor5D;
    const bySlice = (y: Tensor5D): Tensor => transpose(y, [0, 1, 4, 2, 3]);
    const fn = ({ image }: { image: Tensor }) => ({ y: bySlice(network(image as Tensor5D)) });
    const inputs = { image: { shape: x.shape } };
    const { model, outputs, summary } = trace(fn, inputs, { streamed: true });
    const perItem = Math.ceil(depth / 4);
    const names = Array.from({ length: batch * perItem }, (_, i) => `y.${i}`);
    expect(outputs.map(({ name }) => name)).toEqual(names.length > 1 ? names : ["y"]);
    if (depth > 8) expect(summary().peakBytes).toBeLessThan(trace(fn, inputs).summary().peakBytes);

    const session = await InferenceSession.create(model, { logSeverityLevel: 3 });
    const results = await session.run({ image: new OrtTensor("float32", x.dataSync(), x.shape) });
    const actual = outputs.flatMap(({ name }) => Array.from((results[name]?.data ?? []) as Float32Array));
    expectClose("y", actual, bySlice(network(x)).dataSync(), { absolute: 5e-6 });
    await session.release();
  });

  test("rounds outputs to 16 bits where that is wanted, piece by piece", async () => {
    const x = Float32Array.from({ length: 12 }, (_, i) => (i === 5 ? Number.NaN : i / 11));
    const whole = trace((inputs) => ({ y: mul(inputs.x, 1) }), { x: { shape: [12] } }, { rounded: ["y"] });
    expect(whole.outputs).toEqual([{ name: "y", dtype: "uint16", shape: [12] }]);
    const session = await InferenceSession.create(whole.model, { logSeverityLevel: 3 });
    const { y } = await session.run({ x: new OrtTensor("float32", x, [12]) });
    expect(y?.data).toEqual(Uint16Array.from(x, (value) => Math.round(65535 * value))); // NaN becomes 0
    await session.release();

    const fn = ({ image }: { image: Tensor }) => ({ p: transpose(network(image as Tensor5D), [0, 1, 4, 2, 3]) });
    const { outputs } = trace(fn, { image: { shape: [1, 12, 6, 4, 1] } }, { streamed: true, rounded: ["p"] });
    expect(() => trace(fn, { image: { shape: [1, 12, 6, 4, 1] } }, { rounded: ["p"], target: "gpu" })).toThrow(
      'trace: outputs can be rounded for the CPU alone, got target "gpu" and rounded: p. Leave rounded out.',
    );
    expect(outputs.map(({ name, dtype }) => [name, dtype])).toEqual(["p.0", "p.1", "p.2"].map((p) => [p, "uint16"]));
  });

  test("is whole on a GPU, and where one is wanted whole", () => {
    const fn = ({ image }: { image: Tensor }) => ({ y: network(image as Tensor5D) });
    const inputs = { image: { shape: [1, 12, 6, 4, 1] } };
    expect(trace(fn, inputs, { streamed: true, target: "gpu" }).outputs).toHaveLength(1);
    expect(trace(fn, inputs, { streamed: true }).outputs).toEqual([
      { name: "y", dtype: "float32", shape: [1, 12, 6, 4, 3] },
    ]);
  });
});
