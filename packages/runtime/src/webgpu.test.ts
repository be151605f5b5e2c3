import { drawWeights, listWeights, plSegUnet } from "@plseg/models";
import { trace } from "@plseg/onnx";
import { expectClose, whyNoWebgpu } from "@plseg/test-kit";
import { add, mod, mul, scalar, sum, type Tensor } from "@tensorflow/tfjs-core";
import * as onnxruntime from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { createEngine } from "./create-engine.js";
import type { EngineTensor } from "./engine.js";
import { exportModel } from "./export-model.js";
import { type OnnxRuntime, openSession } from "./onnx-session.js";

/** ONNX Runtime that notes where each output of each run is. */
function watched(): { ort: OnnxRuntime; locations: Record<string, string>[] } {
  const locations: Record<string, string>[] = [];
  const InferenceSession = {
    async create(...given: Parameters<typeof onnxruntime.InferenceSession.create>) {
      const session = await onnxruntime.InferenceSession.create(...given);
      return {
        async run(feeds: onnxruntime.InferenceSession.FeedsType) {
          const results = await session.run(feeds);
          const where = Object.entries(results).map(([name, { location }]) => [name.replace("next/", ""), location]);
          locations.push(Object.fromEntries(where));
          return results;
        },
        release: () => session.release(),
      };
    },
  };
  return { ort: { InferenceSession, Tensor: onnxruntime.Tensor } as unknown as OnnxRuntime, locations };
}

const accumulate = ({ state, x }: { readonly state: Tensor; readonly x: Tensor }): Record<string, Tensor> => {
  const next = add(state, mul(x, scalar(2)));
  return { state: next, total: sum(next) };
};
const inputs = { state: { shape: [3] }, x: { shape: [3] } } as const;
const webgpu = { device: "webgpu", allowSoftwareAdapter: true } as const;

const missing = await whyNoWebgpu(async () => {
  const fn = await createEngine({ ort: onnxruntime, ...webgpu }).compile(accumulate, inputs);
  await fn.run({ state: new Float32Array(3), x: new Float32Array(3) });
  await fn.dispose();
});

describe.skipIf(missing !== undefined)("the compiled engine on WebGPU", () => {
  test("keeps a state on the device from step to step, and copies the rest", async () => {
    const { ort, locations } = watched();
    const fn = await createEngine({ ort, ...webgpu }).compile(accumulate, inputs);
    let state: EngineTensor | Float32Array = Float32Array.of(1, 0, -1);
    for (let step = 1; step <= 3; step++) {
      const next = await fn.run({ state, x: Float32Array.of(1, 2, 3) });
      // (1 + 0 − 1) + 2 · step · (1 + 2 + 3)
      expect(await next.total?.read()).toEqual(Float32Array.of(12 * step));
      if ("dispose" in state) state.dispose();
      state = next.state as EngineTensor;
    }
    expect(locations).toEqual([1, 2, 3].map(() => ({ state: "gpu-buffer", total: "cpu" })));
    expectClose("state", await (state as EngineTensor).read(), [7, 12, 17], { relative: 1e-6 });
    expectClose("read again", await (state as EngineTensor).read(), [7, 12, 17], { relative: 1e-6 });
    await fn.dispose();
    expectClose("outlives its function", await (state as EngineTensor).read(), [7, 12, 17], { relative: 1e-6 });
    (state as EngineTensor).dispose();
    await expect((state as EngineTensor).read()).rejects.toThrow("this tensor was disposed");
  });

  test("takes overlapping calls of two engines one after another", async () => {
    const engines = [1, 2].map(() => createEngine({ ort: onnxruntime, ...webgpu }));
    const fns = await Promise.all(engines.map((engine) => engine.compile(accumulate, inputs)));
    const run = (k: number) => fns.map((fn) => fn.run({ state: Float32Array.of(k, k, k), x: new Float32Array(3) }));
    const totals = (await Promise.all([1, 2, 3].flatMap(run))).map(({ total }) => total?.read());
    expect((await Promise.all(totals)).map((total) => total?.[0])).toEqual([3, 3, 6, 6, 9, 9]);
    await Promise.all(fns.map((fn) => fn.dispose()));
  });

  test("runs nothing on the CPU unless that is allowed", async () => {
    // Mod is missing on WebGPU; a graph for the CPU has it
    const { model } = trace(({ x }) => ({ y: mod(x, 3) }), { x: { shape: [3] } });
    const options = { ort: onnxruntime, ...webgpu };
    await expect(openSession(options, model)).rejects.toThrow("An operation of it is missing on WebGPU.");
    const session = await openSession({ ...options, allowCpuFallback: true }, model);
    const { y } = await session.run({ x: new onnxruntime.Tensor("float32", Float32Array.of(-1, 4, 5), [3]) });
    expect(y?.data).toEqual(Float32Array.of(2, 1, 2));
    await session.release();
  });

  test("runs an exported model, and nothing of it on the CPU", async () => {
    const network = plSegUnet({ classes: 3, features: [2, 4, 4, 4] });
    const weights = drawWeights(listWeights(network, [1, 16, 16, 16, 1]), 1);
    const patchSize = [16, 16, 16] as const;
    const model = exportModel({ network, weights, patchSize });
    const image = Float32Array.from({ length: 16 ** 3 }, (_, i) => Math.sin(i * i));
    const answers: Float32Array[] = [];
    for (const device of ["cpu", "webgpu"] as const) {
      const session = await openSession({ ort: onnxruntime, ...webgpu, device }, model);
      const feed = new onnxruntime.Tensor("float32", image, [1, 1, ...patchSize]);
      const { probabilities } = await session.run({ image: feed });
      answers.push(probabilities?.data as Float32Array);
      await session.release();
    }
    expectClose("probabilities", answers[1] ?? [], answers[0] ?? [0], { absolute: 1e-5 });
  });
});
