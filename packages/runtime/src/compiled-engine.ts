import { ConfigError, ResourceError, type Shape } from "@plseg/core";
import { type InputSpec, type TracedModel, type TracedValue, trace } from "@plseg/onnx";
import type { Tensor } from "onnxruntime-common";
import type { CompiledFunction, CompileOptions, Engine, EngineArray, EngineTensor, TensorFunction } from "./engine.js";
import { checkFeed, FUNCTION_DISPOSED, isEngineTensor, TENSOR_DISPOSED } from "./feeds.js";
import { type Device, type OnnxOptions, type OnnxRuntime, type OnnxSession, openSession } from "./onnx-session.js";

/** Outputs get this before their names in the graph, so that a state may go in and come out under one name. */
const OUTPUT = "next/";

/** Copies a tensor from a device. */
type Download = (tensor: Tensor) => Promise<EngineArray>;

/**
 * The engine that traces a function once into an ONNX graph and runs the graph with ONNX Runtime: one call per step,
 * forward, backward and update together.
 *
 * On WebGPU an output that has the name of an input stays on the device, so that a state goes from step to step without a
 * copy; other outputs are copied to the CPU at once.
 */
export function compiledEngine(options: OnnxOptions): Engine {
  const device = options.device ?? "cpu";
  const download = downloader(options);
  return {
    name: `compiled (${device})`,
    async compile(fn, inputs, compileOptions = {}) {
      const traced = traceFunction(fn, inputs, device, compileOptions);
      checkMemory(traced, options.memoryLimit);
      const state = traced.outputs.map(({ name }) => name).filter((name) => name.slice(OUTPUT.length) in inputs);
      return new OnnxFunction(
        options.ort,
        await openSession(options, traced.model, { resident: state }),
        traced,
        download,
      );
    },
  };
}

function traceFunction<Inputs extends Readonly<Record<string, InputSpec>>>(
  fn: TensorFunction<Extract<keyof Inputs, string>>,
  inputs: Inputs,
  device: Device,
  { outputLayouts = {} }: CompileOptions,
): TracedModel {
  const renamed = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [OUTPUT + name, value]));
  return trace((tensors) => renamed(fn(tensors)), inputs, {
    outputLayouts: renamed(outputLayouts),
    target: device === "webgpu" || device === "cuda" ? "gpu" : "cpu",
  });
}

/**
 * What ONNX Runtime takes for a graph: this many times the tensors that are held at its fullest moment, and this many bytes
 * besides. For the step of `bench step` (17 classes, features 16-32-64-128, CPU) that and 0.1 GB for Node give the measured
 * peaks of 299, 695, 1281 and 3049 MB, at 32 and 64 cubed, 64x96x96 and 96x128x128, within 5 %.
 */
const OVERHEAD = 1.4;
const BESIDES = 1e8;

/** @throws ResourceError if running the graph would take more memory than there is. */
function checkMemory(traced: TracedModel, limit = Number.POSITIVE_INFINITY): void {
  const needed = BESIDES + OVERHEAD * traced.summary().peakBytes;
  if (needed <= limit) return;
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  throw new ResourceError(
    `compile: this needs about ${gigabytes(needed)} GB of memory, and ${gigabytes(limit)} GB are free. ` +
      "Choose a smaller patch, batch or network, or set memoryLimit (plseg train: --force) to try all the same.",
  );
}

/**
 * Copies tensors from a WebGPU device. In Node, ONNX Runtime 1.30 ends the process when asked for the numbers of such a
 * tensor; there a graph that passes its input on brings them to the CPU.
 */
function downloader(options: OnnxOptions): Download {
  const sessions = new Map<string, Promise<OnnxSession>>();
  return async (tensor) => {
    if (tensor.location !== "gpu-buffer" || isBrowserBuffer(tensor.gpuBuffer))
      return (await tensor.getData()) as EngineArray;
    const spec: InputSpec = { shape: tensor.dims, dtype: tensor.type as "float32" | "int32" | "bool" };
    const key = JSON.stringify(spec);
    const session = sessions.get(key) ?? openSession(options, trace(({ x }) => ({ y: x }), { x: spec }).model);
    sessions.set(key, session);
    const { y } = await (await session).run({ x: tensor });
    return y?.data as EngineArray;
  };
}

/** Whether a browser made it: ONNX Runtime for Node has something of its own in its place. */
const isBrowserBuffer = (buffer: unknown): boolean =>
  "GPUBuffer" in globalThis && typeof buffer === "object" && buffer !== null && "mapAsync" in buffer;

class OnnxFunction implements CompiledFunction {
  private readonly ort: OnnxRuntime;
  private readonly inputs: readonly TracedValue[];
  private readonly download: Download;
  private readonly onDevice = new Set<OnnxTensor>();
  private session: OnnxSession | undefined;
  private disposed = false;

  constructor(ort: OnnxRuntime, session: OnnxSession, { inputs }: TracedModel, download: Download) {
    this.ort = ort;
    this.session = session;
    this.inputs = inputs;
    this.download = download;
  }

  async run(inputs: Readonly<Record<string, EngineArray | EngineTensor>>): Promise<Record<string, EngineTensor>> {
    if (this.disposed || !this.session) throw new ConfigError(FUNCTION_DISPOSED);
    const feeds: Record<string, Tensor> = {};
    for (const { name, shape, dtype } of this.inputs) {
      const feed = inputs[name];
      checkFeed(name, shape, feed);
      feeds[name] = this.tensor(feed as EngineArray | EngineTensor, dtype, shape);
    }
    const results = await this.session.run(feeds);
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [name.slice(OUTPUT.length), this.output(tensor)]),
    );
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await this.release();
  }

  /** Outputs on a device keep the session: with its last session, onnxruntime-web gives the device up, and all that is on it. */
  private output(tensor: Tensor): OnnxTensor {
    const output: OnnxTensor = new OnnxTensor(tensor, this.download, () => {
      this.onDevice.delete(output);
      this.release().catch(() => {}); // nobody waits for it
    });
    if (tensor.location === "gpu-buffer") this.onDevice.add(output);
    return output;
  }

  private async release(): Promise<void> {
    if (!this.disposed || this.onDevice.size > 0) return;
    const { session } = this;
    this.session = undefined;
    await session?.release();
  }

  private tensor(feed: EngineArray | EngineTensor, dtype: TracedValue["dtype"], shape: Shape): Tensor {
    if (!isEngineTensor(feed)) return new this.ort.Tensor(dtype as "float32", feed as Float32Array, shape);
    if (feed instanceof OnnxTensor) return feed.tensor;
    throw new ConfigError(
      "run: a tensor of another engine was fed to the compiled engine. Read it and feed its numbers.",
    );
  }
}

class OnnxTensor implements EngineTensor {
  readonly shape: Shape;
  private readonly download: Download;
  private readonly onDispose: () => void;
  private held: Tensor | undefined;

  constructor(tensor: Tensor, download: Download, onDispose: () => void) {
    this.held = tensor;
    this.shape = tensor.dims;
    this.download = download;
    this.onDispose = onDispose;
  }

  /** @throws ConfigError if it was disposed. */
  get tensor(): Tensor {
    if (this.held) return this.held;
    throw new ConfigError(TENSOR_DISPOSED);
  }

  async read(): Promise<EngineArray> {
    return this.download(this.tensor);
  }

  dispose(): void {
    if (!this.held) return;
    this.held.dispose();
    this.held = undefined;
    this.onDispose();
  }
}
