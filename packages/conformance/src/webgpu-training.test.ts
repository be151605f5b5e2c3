import { createEngine } from "@plseg/runtime";
import { whyNoWebgpu } from "@plseg/test-kit";
import { relu, type Tensor } from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { expectSameTraining } from "./expect-same-training.js";
import { smallTraining } from "./small-training.js";

/** Strict, as engines are: an operation that WebGPU lacks is an error. */
const webgpu = createEngine({ ort, device: "webgpu", allowSoftwareAdapter: true });

const missing = await whyNoWebgpu(async () => {
  await (await webgpu.compile(({ x }) => ({ y: relu(x as Tensor) }), { x: { shape: [2] } })).dispose();
});

describe.skipIf(missing !== undefined)("a training step on WebGPU", () => {
  test("does what it does on the CPU, without a node on the CPU", async () => {
    const expected = await smallTraining(createEngine({ ort, threads: 1 }));
    const actual = await smallTraining(webgpu);
    expect(actual.records).toHaveLength(3);
    expectSameTraining(actual, expected);
  });
});
