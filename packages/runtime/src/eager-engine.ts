import { ConfigError, type Shape } from "@plseg/core";
import type { InputSpec, Layout } from "@plseg/onnx";
import {
  getBackend,
  keep,
  type Tensor,
  tensor as tensorOf,
  engine as tfjs,
  tidy,
  transpose,
} from "@tensorflow/tfjs-core";
import type { CompiledFunction, CompileOptions, Engine, EngineArray, EngineTensor, TensorFunction } from "./engine.js";
import { checkFeed, FUNCTION_DISPOSED, isEngineTensor, TENSOR_DISPOSED } from "./feeds.js";

/** The engine that runs a function as it is, on whatever tfjs backend is in use. */
export function eagerEngine(): Engine {
  return {
    name: `eager (tfjs ${getBackend() || "without a backend"})`,
    compile: (fn, inputs, options = {}) => Promise.resolve(new EagerFunction(fn as TensorFunction, inputs, options)),
  };
}

class EagerFunction implements CompiledFunction {
  private readonly fn: TensorFunction;
  private readonly inputs: Readonly<Record<string, InputSpec>>;
  private readonly outputLayouts: Readonly<Record<string, Layout>>;
  private disposed = false;

  constructor(fn: TensorFunction, inputs: Readonly<Record<string, InputSpec>>, { outputLayouts = {} }: CompileOptions) {
    this.fn = fn;
    this.inputs = inputs;
    this.outputLayouts = outputLayouts;
  }

  async run(feeds: Readonly<Record<string, EngineArray | EngineTensor>>): Promise<Record<string, EngineTensor>> {
    if (this.disposed) throw new ConfigError(FUNCTION_DISPOSED);
    const outputs = tidy(() => {
      const tensors = Object.entries(this.inputs).map(([name, spec]): [string, Tensor] => {
        const feed = feeds[name];
        checkFeed(name, spec.shape, feed);
        return [name, tensorFrom(feed as EngineArray | EngineTensor, spec)];
      });
      const results = Object.entries(this.fn(Object.fromEntries(tensors)));
      const kept = results.map(([name, result]): [string, Tensor] => [
        name,
        keep(laidOut(result, this.outputLayouts[name])),
      ]);
      // what the function itself kept would outlive the tidy
      const fed = new Set(tensors.map(([, tensor]) => tensor));
      for (const [, result] of results) if (!fed.has(result)) result.dispose();
      return kept;
    });
    return Object.fromEntries(outputs.map(([name, output]) => [name, new TfjsTensor(output)]));
  }

  dispose(): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }
}

function tensorFrom(
  feed: EngineArray | EngineTensor,
  { shape, dtype = "float32", layout = "as-is" }: InputSpec,
): Tensor {
  const order = orderOf(layout, shape.length);
  if (isEngineTensor(feed)) {
    if (!(feed instanceof TfjsTensor))
      throw new ConfigError(
        "run: a tensor of another engine was fed to the eager engine. Read it and feed its numbers.",
      );
    return backToSeen(feed.tensor, order);
  }
  return backToSeen(
    tensorOf(
      feed,
      order.map((axis) => shape[axis] ?? 1),
      dtype,
    ),
    order,
  );
}

/** For each axis in memory, the axis that the function sees. */
function orderOf(layout: Layout, rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  if (layout === "as-is") return axes;
  if (layout === "channels-first") return [0, rank - 1, ...axes.slice(1, -1)];
  return [rank - 1, rank - 2, ...axes.slice(0, -2)];
}

const isIdentity = (order: readonly number[]): boolean => order.every((axis, place) => axis === place);

function backToSeen(x: Tensor, order: readonly number[]): Tensor {
  return isIdentity(order)
    ? x
    : transpose(
        x,
        order.map((_, axis) => order.indexOf(axis)),
      );
}

function laidOut(x: Tensor, layout: Layout = "as-is"): Tensor {
  const order = orderOf(layout, x.rank);
  // a tensor of its own: the function may return one of its inputs, which its owner disposes
  return isIdentity(order) ? x.clone() : transpose(x, order);
}

class TfjsTensor implements EngineTensor {
  readonly shape: Shape;
  private readonly held: Tensor;

  constructor(tensor: Tensor) {
    this.held = tensor;
    this.shape = tensor.shape;
  }

  /** @throws ConfigError if it was disposed. */
  get tensor(): Tensor {
    if (!this.held.isDisposed) return this.held;
    throw new ConfigError(TENSOR_DISPOSED);
  }

  async read(): Promise<EngineArray> {
    return (await tfjs().read(this.tensor.dataId)) as EngineArray;
  }

  dispose(): void {
    this.held.dispose();
  }
}
