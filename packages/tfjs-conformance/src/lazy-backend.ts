import { sizeOf } from "@plseg/core";
import { type DataType, registerBackend, registerGradient } from "@tensorflow/tfjs-core";
import { TraceBackend } from "../../onnx/src/backend.js";
import { encodeModel } from "../../onnx/src/encode.js";
import { Graph, type Target, type Value } from "../../onnx/src/graph.js";
import { LEAN_GRADIENTS } from "../../onnx/src/lean-gradients.js";
import { constantsOf, liveNodes } from "../../onnx/src/live-nodes.js";
import { registerKernels } from "../../onnx/src/register-kernels.js";
import { materialize, plain } from "../../onnx/src/symbol.js";
import { type Device, type Feed, type Numbers, runSync } from "./run-sync.js";

/** Name under which the lazy backend is registered with tfjs. */
export const LAZY_BACKEND = "onnx-lazy";

/** How the numbers that a test writes come into the graph: fed, or written into it. Those of rank 0 are always the latter. */
export type Feeding = "inputs" | "constants";

/** How the lazy backend makes models. */
export interface LazyOptions {
  readonly feeding: Feeding;
  /** What the models are written for. */
  readonly target: Target;
  /** Where they run; `webgpu` wants the target `gpu`. */
  readonly device: Device;
  /** Called with every model before it is run. */
  readonly onModel: (model: Uint8Array) => void;
}

type Written = ArrayLike<unknown> | null;

/**
 * A tfjs backend that records kernels as the tracer does. When numbers are read it makes a model of the graph that leads
 * to them and runs it: so whatever uses tfjs eagerly, such as its own tests, runs on traced graphs.
 */
class LazyBackend extends TraceBackend {
  private readonly recorded: Graph;
  private readonly fed = new Map<Value, Feed>();
  private readonly texts = new Map<object, unknown>();

  private readonly feeding: Feeding;
  private readonly device: Device;
  private readonly onModel: LazyOptions["onModel"];

  constructor({ feeding, target, device, onModel }: LazyOptions) {
    super();
    this.recorded = new Graph(target);
    this.feeding = feeding;
    this.device = device;
    this.onModel = onModel;
  }

  override get graph(): Graph {
    return this.recorded;
  }

  override write(values: Written, shape: number[], dtype: DataType): object {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(dataId: object, values: Written, shape: number[], dtype: DataType, references: number): void {
    if (dtype === "string") {
      this.texts.set(dataId, values);
      return;
    }
    const symbol =
      this.feeding === "constants" || shape.length === 0 || !isKnown(dtype)
        ? this.constantOf(values, shape, dtype)
        : plain(this.feed(values, shape, dtype));
    this.symbols.set(dataId, { symbol, references });
  }

  override readSync(dataId?: object): never {
    if (dataId && this.texts.has(dataId)) return this.texts.get(dataId) as never;
    const symbol = dataId && this.symbols.get(dataId)?.symbol;
    if (!symbol) throw new Error("LazyBackend: the tensor is not known.");
    return this.compute(materialize(this.graph, symbol)) as never;
  }

  override async read(dataId?: object): Promise<never> {
    return this.readSync(dataId);
  }

  private feed(values: Written, shape: number[], type: Feed["type"]): Value {
    const given = (values ?? new Float32Array(sizeOf(shape))) as ArrayLike<number>;
    const numbers =
      type === "float32"
        ? Float32Array.from(given)
        : type === "int32"
          ? Int32Array.from(given)
          : Uint8Array.from(given);
    const value = { name: `x${this.fed.size}`, type, shape };
    this.fed.set(value, { type, shape, numbers });
    return value;
  }

  private compute(value: Value): Numbers {
    const nodes = liveNodes(this.graph.nodes, [value]);
    const used = new Set([...nodes.flatMap((node) => node.inputs), value]);
    const inputs = [...used].filter((input): input is Value => input !== undefined && this.fed.has(input));
    const model = encodeModel({
      inputs,
      nodes,
      constants: constantsOf(nodes, [value]),
      outputs: [{ name: "y", value }],
    });
    this.onModel(model);
    const feeds = inputs.map((input) => [input.name, this.fed.get(input) as Feed]);
    return runSync(model, Object.fromEntries(feeds), this.device);
  }
}

const isKnown = (dtype: DataType): dtype is Feed["type"] => ["float32", "int32", "bool"].includes(dtype);

/** Makes the lazy backend known to tfjs, with the kernels of the tracer and the gradients it uses. */
export function registerLazyBackend(options: LazyOptions): void {
  registerBackend(LAZY_BACKEND, () => new LazyBackend(options));
  registerKernels(LAZY_BACKEND);
  for (const gradient of LEAN_GRADIENTS) registerGradient(gradient);
}
