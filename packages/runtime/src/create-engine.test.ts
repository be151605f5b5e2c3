import { ConfigError } from "@plseg/core";
import { expectClose } from "@plseg/test-kit";
import { add, memory, mul, relu, scalar, square, sum, type Tensor, type Tensor1D } from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { createEngine } from "./create-engine.js";
import type { EngineArray, EngineTensor } from "./engine.js";

const eager = createEngine({ engine: "tfjs" });
const compiled = createEngine({ ort, threads: 1 });

const read = async (tensor: EngineTensor | undefined): Promise<EngineArray> => {
  if (!tensor) throw new Error("there is no such output");
  return tensor.read();
};

/** A running sum and its square: state in and out under one name. */
const accumulate = ({ state, x }: { readonly state: Tensor; readonly x: Tensor }): Record<string, Tensor> => {
  const next = add(state, mul(x, scalar(2)));
  return { state: next, energy: sum(square(next)) };
};
const inputs = { state: { shape: [3] }, x: { shape: [3] } } as const;

describe("createEngine", () => {
  test("says what the compiled engine needs", () => {
    expect(() => createEngine({})).toThrow('Pass ort: await import("onnxruntime-node")');
  });

  test("names what runs where", () => {
    expect([eager.name, compiled.name]).toEqual(["eager (tfjs cpu)", "compiled (cpu)"]);
  });
});

describe.each([
  ["eager", eager, compiled],
  ["compiled", compiled, eager],
])("the %s engine", (_, engine, other) => {
  test("carries state from call to call without reading it", async () => {
    const fn = await engine.compile(accumulate, inputs);
    let state: EngineArray | EngineTensor = Float32Array.of(1, 0, -1);
    for (let step = 0; step < 3; step++) {
      const next = await fn.run({ state, x: Float32Array.of(1, 2, 3) });
      expect(next.state?.shape).toEqual([3]);
      state = next.state as EngineTensor;
      // (1, 0, −1) + 2 (step + 1) (1, 2, 3)
      const expected = [1, 0, -1].map((start, i) => start + 2 * (step + 1) * (i + 1));
      expectClose("state", await state.read(), expected, { relative: 1e-6 });
      expectClose("energy", await read(next.energy), [expected.reduce((a, b) => a + b * b, 0)], { relative: 1e-6 });
    }
    await fn.dispose();
  });

  test("takes and gives numbers channels first", async () => {
    // what the function sees is [batch, depth, height, width, class]: gain and offset by class
    const fn = await engine.compile(
      ({ x, gain }) => ({ y: mul(x as Tensor, gain as Tensor) }),
      { x: { shape: [1, 1, 1, 3, 2], layout: "channels-first" }, gain: { shape: [2] } },
      { outputLayouts: { y: "channels-first" } },
    );
    const { y } = await fn.run({ x: Float32Array.of(1, 2, 3, 4, 5, 6), gain: Float32Array.of(10, 100) });
    expect([...(await read(y))]).toEqual([10, 20, 30, 400, 500, 600]);
    expect(y?.shape).toEqual([1, 2, 1, 1, 3]);
    await fn.dispose();
  });

  test("takes whole numbers", async () => {
    const fn = await engine.compile(({ x }) => ({ y: add(x as Tensor, scalar(1, "int32")) }), {
      x: { shape: [2], dtype: "int32" },
    });
    expect(await read((await fn.run({ x: Int32Array.of(4, -7) })).y)).toEqual(Int32Array.of(5, -6));
    await fn.dispose();
  });

  test("says which input is missing or has another size", async () => {
    const fn = await engine.compile(accumulate, inputs);
    const state = new Float32Array(3);
    const run = async (feeds: Record<string, EngineArray>): Promise<unknown> => fn.run(feeds);
    await expect(run({ state })).rejects.toThrow('run: the input "x" is missing; it wants shape [3].');
    await expect(run({ state, x: new Float32Array(4) })).rejects.toThrow(
      'run: the input "x" wants 3 numbers ([3]), got 4.',
    );
    await fn.dispose();
  });

  test("refuses a tensor of another engine, and one that was freed", async () => {
    const [fn, elsewhere] = [await engine.compile(accumulate, inputs), await other.compile(accumulate, inputs)];
    const x = new Float32Array(3);
    const foreign = (await elsewhere.run({ state: x, x })).state as EngineTensor;
    await expect((async () => fn.run({ state: foreign, x }))()).rejects.toThrow("a tensor of another engine was fed");

    const freed = (await fn.run({ state: x, x })).state as EngineTensor;
    freed.dispose();
    freed.dispose(); // a second time is no error
    await expect(freed.read()).rejects.toThrow("this tensor was disposed and holds no numbers any more.");
    await expect(fn.run({ state: freed, x })).rejects.toThrow(
      "this tensor was disposed and holds no numbers any more.",
    );
    await fn.dispose();
    await elsewhere.dispose();
  });

  test("runs a function until it is disposed, and its outputs outlive it", async () => {
    const fn = await engine.compile(accumulate, inputs);
    const { state, energy } = await fn.run({ state: Float32Array.of(1, 2, 3), x: new Float32Array(3) });
    await fn.dispose();
    await fn.dispose(); // a second time is no error
    await expect(fn.run({ state: new Float32Array(3), x: new Float32Array(3) })).rejects.toThrow(
      new ConfigError("run: this function was disposed. Compile it again."),
    );
    expect(await read(state)).toEqual(Float32Array.of(1, 2, 3));
    expect(await read(energy)).toEqual(Float32Array.of(14));
  });
});

describe("the eager engine", () => {
  test("holds no tensor but what it gave out", async () => {
    const bias = scalar(1);
    const fn = await eager.compile(
      // an input that is returned as it is, one tensor under two names, and intermediate ones
      ({ x, gain }) => {
        const y = relu(add(mul(x as Tensor1D, gain as Tensor), bias));
        return { x: x as Tensor, y, again: y };
      },
      { x: { shape: [4] }, gain: { shape: [4] } },
    );
    const before = memory().numTensors;
    let x: EngineTensor | undefined;
    for (let i = 0; i < 5; i++) {
      const outputs = await fn.run({ x: x ?? Float32Array.of(1, 2, 3, 4), gain: Float32Array.of(1, 1, 0, 0) });
      expect([...(await read(outputs.x))]).toEqual([1, 2, 3, 4]);
      expect([...(await read(outputs.again))]).toEqual([2, 3, 1, 1]);
      x?.dispose();
      x = outputs.x as EngineTensor;
      outputs.y?.dispose();
      outputs.again?.dispose();
      expect(memory().numTensors).toBe(before + 1);
    }
    x?.dispose();
    expect(memory().numTensors).toBe(before);
    bias.dispose();
  });
});
