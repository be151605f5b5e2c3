import { ConfigError, type Shape } from "@plseg/core";
import { type InputSpec, type TracedModel, type TracedValue, trace } from "@plseg/onnx";
import type { InferenceSession, InferenceSessionFactory, Tensor, TensorConstructor } from "onnxruntime-common";
import type { CompiledFunction, CompileOptions, Engine, EngineArray, EngineTensor, TensorFunction } from "./engine.js";
import { checkFeed, isEngineTensor } from "./feeds.js";

/** ONNX Runtime, as `onnxruntime-node` and `onnxruntime-web` export it. */
export interface OnnxRuntime {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
}

/** Where a compiled function runs. */
export type Device = "cpu" | "cuda" | "webgpu" | "wasm";

/** Options of {@link compiledEngine}. */
export interface CompiledEngineOptions {
  readonly ort: OnnxRuntime;
  readonly device?: Device;
  /** CPU threads; as many as ONNX Runtime thinks best unless told. */
  readonly threads?: number;
}

/** Outputs get this before their names in the graph, so that a state may go in and come out under one name. */
const OUTPUT = "next/";

/**
 * The engine that traces a function once into an ONNX graph and runs the graph with ONNX Runtime: one call per step,
 * forward, backward and update together.
 */
export function compiledEngine({ ort, device = "cpu", threads }: CompiledEngineOptions): Engine {
  const session: InferenceSession.SessionOptions = {
    executionProviders: [providerOf(device)],
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
  };
  return {
    name: `compiled (${device})`,
    async compile(fn, inputs, options = {}) {
      const traced = traceFunction(fn, inputs, options);
      return new OnnxFunction(ort, await ort.InferenceSession.create(traced.model, session), traced);
    },
  };
}

function providerOf(device: Device): InferenceSession.ExecutionProviderConfig {
  // WebGPU: the default NHWC layout gains nothing for 3-D and costs transposes
  return device === "webgpu" ? { name: "webgpu", preferredLayout: "NCHW" } : device;
}

function traceFunction<Inputs extends Readonly<Record<string, InputSpec>>>(
  fn: TensorFunction<Extract<keyof Inputs, string>>,
  inputs: Inputs,
  { outputLayouts = {} }: CompileOptions,
): TracedModel {
  const renamed = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [OUTPUT + name, value]));
  return trace((tensors) => renamed(fn(tensors)), inputs, { outputLayouts: renamed(outputLayouts) });
}

class OnnxFunction implements CompiledFunction {
  private readonly ort: OnnxRuntime;
  private readonly session: InferenceSession;
  private readonly inputs: readonly TracedValue[];

  constructor(ort: OnnxRuntime, session: InferenceSession, { inputs }: TracedModel) {
    this.ort = ort;
    this.session = session;
    this.inputs = inputs;
  }

  async run(inputs: Readonly<Record<string, EngineArray | EngineTensor>>): Promise<Record<string, EngineTensor>> {
    const feeds: Record<string, Tensor> = {};
    for (const { name, shape, dtype } of this.inputs) {
      const feed = inputs[name];
      checkFeed(name, shape, feed);
      feeds[name] = this.tensor(feed as EngineArray | EngineTensor, dtype, shape);
    }
    const results = await this.session.run(feeds);
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [name.slice(OUTPUT.length), new OnnxTensor(tensor as Tensor)]),
    );
  }

  async dispose(): Promise<void> {
    await this.session.release();
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
  readonly tensor: Tensor;
  readonly shape: Shape;

  constructor(tensor: Tensor) {
    this.tensor = tensor;
    this.shape = tensor.dims;
  }

  async read(): Promise<EngineArray> {
    return (await this.tensor.getData()) as EngineArray;
  }

  dispose(): void {
    this.tensor.dispose();
  }
}
