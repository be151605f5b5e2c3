import { type SmallTrainingOptions, smallTraining, type Trained } from "@plseg/conformance/small-training";
import { createEngine, type Device, type EngineTensor, loadBundle } from "@plseg/runtime";
import { add, memory, mul, scalar, setBackend, sum, type Tensor, topk } from "@tensorflow/tfjs-core";
import { gpuBuffers, wasmBytes } from "./memory.js";
import { segmentSmallScan } from "./segment-small-scan.js";
import { type Watched, watched } from "./watched.js";

/** What an engine in the page is made of. */
export interface EngineChoice {
  readonly build: keyof typeof BUILDS;
  readonly device: Device;
  readonly threads?: number;
  readonly allowSoftwareAdapter?: boolean;
  readonly allowCpuFallback?: boolean;
}

/** The builds of onnxruntime-web. */
const BUILDS = {
  "onnxruntime-web": () => import("onnxruntime-web"),
  "onnxruntime-web/jspi": () => import("onnxruntime-web/jspi"),
  "onnxruntime-web/wasm": () => import("onnxruntime-web/wasm"),
  "onnxruntime-web/webgpu": () => import("onnxruntime-web/webgpu"),
} as const;

const engineOptions = async ({ build, ...rest }: EngineChoice): Promise<Omit<EngineChoice, "build"> & Watched> => ({
  ...rest,
  ...watched(await BUILDS[build]()),
});

/** A running sum: state in and out under one name. */
const accumulate = ({ state, x }: { readonly state: Tensor; readonly x: Tensor }): Record<string, Tensor> => {
  const next = add(state, mul(x, scalar(2)));
  return { state: next, total: sum(next) };
};
const inputs = { state: { shape: [3] }, x: { shape: [3] } } as const;

const numbers = async (tensor: EngineTensor | undefined): Promise<number[]> =>
  tensor ? [...(await tensor.read())] : [];

/** What tests have done in the page. What goes in and comes out is plain data. */
export const pageTasks = {
  /** Trains, and stops after `stopAfter` steps where that is given. */
  async train({
    engine,
    stopAfter,
    ...options
  }: Pick<SmallTrainingOptions, "features" | "steps"> & {
    readonly engine: EngineChoice;
    readonly stopAfter?: number;
  }) {
    const { locations, ...rest } = await engineOptions(engine);
    const stop = new AbortController();
    const trained = await smallTraining(createEngine(rest), {
      ...options,
      signal: stop.signal,
      onStep: ({ step }) => {
        if (step === stopAfter) stop.abort();
      },
    });
    return { ...trained, locations, threads: rest.ort.env.wasm.numThreads, gpuBuffers };
  },

  /** Trains with the engine `tfjs` on TensorFlow.js' backend `cpu`. */
  async trainEagerly(options: Pick<SmallTrainingOptions, "features" | "steps">): Promise<Trained & { leaked: number }> {
    await import("@tensorflow/tfjs-backend-cpu");
    await setBackend("cpu");
    const before = memory().numTensors;
    const trained = await smallTraining(createEngine({ engine: "tfjs" }), options);
    return { ...trained, leaked: memory().numTensors - before };
  },

  /** Two engines that hold a state each, with calls that overlap. Gives the sums of both after three steps. */
  async runSideBySide(engine: EngineChoice): Promise<number[][]> {
    const options = await engineOptions(engine);
    const fns = await Promise.all([1, 2].map(() => createEngine(options).compile(accumulate, inputs)));
    const totals = fns.map(async (fn, index) => {
      const sums: number[] = [];
      let state: EngineTensor | Float32Array = new Float32Array(3);
      for (let step = 0; step < 3; step++) {
        const next = await fn.run({ state, x: Float32Array.of(1, index, step) });
        sums.push(...(await numbers(next.total)));
        if ("dispose" in state) state.dispose();
        state = next.state as EngineTensor;
      }
      await fn.dispose();
      sums.push(...(await numbers(state as EngineTensor))); // it outlives its function
      (state as EngineTensor).dispose();
      return sums;
    });
    return Promise.all(totals);
  },

  /** Loads a bundle and segments a phantom; stops after `stopAfter` windows where that is given. */
  async segment({
    engine,
    url,
    stopAfter,
  }: {
    readonly engine: EngineChoice;
    readonly url: string;
    readonly stopAfter?: number;
  }) {
    const read = async (name: string): Promise<Uint8Array> => {
      const answer = await fetch(`${url}/${name}`);
      if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
      return new Uint8Array(await answer.arrayBuffer());
    };
    const bundle = await loadBundle({ read }, await engineOptions(engine));
    const stop = new AbortController();
    let windows = 0;
    try {
      const { data } = await segmentSmallScan(bundle, {
        signal: stop.signal,
        onProgress: (done) => {
          windows = done;
          if (done === stopAfter) stop.abort();
        },
      });
      return { labels: data, windows, stopped: "" };
    } catch (error) {
      if (!stop.signal.aborted) throw error;
      return { labels: new Uint8Array(), windows, stopped: (error as Error).name };
    } finally {
      await bundle.dispose();
    }
  },

  /** The place of the largest of three numbers, which WebGPU cannot compute. */
  async placeOfLargest(engine: EngineChoice): Promise<number> {
    const fn = await createEngine(await engineOptions(engine)).compile(
      ({ x }) => ({ y: topk(x as Tensor, 1).indices }),
      { x: { shape: [3] } },
    );
    const { y } = await fn.run({ x: Float32Array.of(1, 5, 3) });
    const [place = Number.NaN] = await numbers(y);
    await fn.dispose();
    return place;
  },

  /** Bytes of WebAssembly's memory after each of some rounds that compile, run and dispose a function of 4 MB. */
  async measureMemory(engine: EngineChoice): Promise<number[]> {
    const options = await engineOptions(engine);
    const shape = [2 ** 20];
    const bytes: number[] = [];
    for (let round = 0; round < 20; round++) {
      const fn = await createEngine(options).compile(accumulate, { state: { shape }, x: { shape } });
      const outputs = await fn.run({ state: new Float32Array(2 ** 20), x: new Float32Array(2 ** 20) });
      for (const output of Object.values(outputs)) output.dispose();
      await fn.dispose();
      bytes.push(wasmBytes());
    }
    return bytes;
  },
};
