import { ConfigError, ResourceError, type Shape } from "@plseg/core";
import { type InputSpec, type TracedModel, type TracedValue, trace } from "@plseg/onnx";
import type { Tensor } from "onnxruntime-common";
import type { CompiledFunction, CompileOptions, Engine, EngineArray, EngineTensor, TensorFunction } from "./engine.js";
import { checkFeed, isEngineTensor } from "./feeds.js";
import { type OnnxOptions, type OnnxRuntime, type OnnxSession, openSession } from "./onnx-session.js";

/** Outputs get this before their names in the graph, so that a state may go in and come out under one name. */
const OUTPUT = "next/";

/**
 * The engine that traces a function once into an ONNX graph and runs the graph with ONNX Runtime: one call per step,
 * forward, backward and update together.
 */
export function compiledEngine(options: OnnxOptions): Engine {
  return {
    name: `compiled (${options.device ?? "cpu"})`,
    async compile(fn, inputs, compileOptions = {}) {
      const traced = traceFunction(fn, inputs, compileOptions);
      checkMemory(traced, options.memoryLimit);
      return new OnnxFunction(options.ort, await openSession(options, traced.model), traced);
    },
  };
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

/** What ONNX Runtime takes of a training step, compared with the tensors that are held at its fullest moment. */
const OVERHEAD = 2;

/** @throws ResourceError if running the graph would take more memory than there is. */
function checkMemory(traced: TracedModel, limit = Number.POSITIVE_INFINITY): void {
  const needed = OVERHEAD * traced.summary().peakBytes;
  if (needed <= limit) return;
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  throw new ResourceError(
    `compile: this needs about ${gigabytes(needed)} GB of memory, and ${gigabytes(limit)} GB are free. ` +
      "Choose a smaller patch, batch or network.",
  );
}

class OnnxFunction implements CompiledFunction {
  private readonly ort: OnnxRuntime;
  private readonly session: OnnxSession;
  private readonly inputs: readonly TracedValue[];

  constructor(ort: OnnxRuntime, session: OnnxSession, { inputs }: TracedModel) {
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
      Object.entries(results).map(([name, tensor]) => [name.slice(OUTPUT.length), new OnnxTensor(tensor)]),
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
