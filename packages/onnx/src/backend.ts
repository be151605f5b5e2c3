import { ConfigError, type Shape, sizeOf, UnsupportedOpError } from "@plseg/core";
import { type DataType, engine, KernelBackend, type TensorInfo } from "@tensorflow/tfjs-core";
import type { ElementType, Graph, Value } from "./graph.js";
import { plain, type Sym } from "./symbol.js";

/** Name under which the tracing backend is registered with tfjs. */
export const TRACE_BACKEND = "onnx-trace";

const ELEMENT_TYPES: Readonly<Record<string, ElementType>> = { float32: "float32", int32: "int32", bool: "bool" };

/** A tfjs backend whose tensors are symbols of an ONNX graph. It records what kernels do and computes nothing. */
export class TraceBackend extends KernelBackend {
  /** What tensors stand for, and how many tensors stand for it. */
  protected readonly symbols: Map<object, { symbol: Sym; references: number }> = new Map();
  private recording: Graph | undefined;

  /** The graph being recorded. */
  get graph(): Graph {
    if (this.recording) return this.recording;
    throw new UnsupportedOpError("onnx: tensors of the tracing backend can be used only inside trace().");
  }

  /** Records into `graph` while `run` runs. Traces may not nest. */
  record<T>(graph: Graph, run: () => T): T {
    if (this.recording) throw new UnsupportedOpError("trace: a function that is being traced cannot call trace().");
    this.recording = graph;
    try {
      return run();
    } finally {
      this.recording = undefined;
      this.symbols.clear();
    }
  }

  /** The symbol of a tensor. A tensor of another backend becomes a constant. */
  symbolOf(tensor: TensorInfo): Sym {
    const known = this.symbols.get(tensor.dataId);
    if (known) return known.symbol;
    const values = engine().readSync(tensor.dataId);
    return this.constantOf(values, tensor.shape, tensor.dtype);
  }

  /** A new tensor that stands for a symbol. */
  tensorOf(symbol: Sym, dtype: DataType = dtypeOf(symbol.value)): TensorInfo {
    const dataId = {};
    this.symbols.set(dataId, { symbol, references: 1 });
    return { dataId, shape: [...symbol.shape], dtype };
  }

  /** Another tensor over the same symbol. */
  shared(tensor: TensorInfo): TensorInfo {
    const known = this.symbols.get(tensor.dataId);
    if (!known) return this.tensorOf(this.symbolOf(tensor), tensor.dtype);
    known.references++;
    return { dataId: tensor.dataId, shape: tensor.shape, dtype: tensor.dtype };
  }

  override write(values: ArrayLike<unknown> | null, shape: number[], dtype: DataType): object {
    const dataId = {};
    this.symbols.set(dataId, { symbol: this.constantOf(values, shape, dtype), references: 1 });
    return dataId;
  }

  override move(
    dataId: object,
    values: ArrayLike<unknown>,
    shape: number[],
    dtype: DataType,
    references: number,
  ): void {
    this.symbols.set(dataId, { symbol: this.constantOf(values, shape, dtype), references });
  }

  override readSync(): never {
    throw readError();
  }

  override read(): Promise<never> {
    return Promise.reject(readError());
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override numDataIds(): number {
    return this.symbols.size;
  }

  override refCount(dataId: object): number {
    return this.symbols.get(dataId)?.references ?? 0;
  }

  override incRef(dataId: object): void {
    const entry = this.symbols.get(dataId);
    if (entry) entry.references++;
  }

  override disposeData(dataId: object, force = false): boolean {
    const entry = this.symbols.get(dataId);
    if (!entry) return true;
    entry.references--;
    if (!force && entry.references > 0) return false;
    this.symbols.delete(dataId);
    return true;
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override dispose(): void {
    this.symbols.clear();
  }

  protected constantOf(values: ArrayLike<unknown> | null, shape: Shape, dtype: DataType): Sym {
    const size = sizeOf(shape);
    if (!(dtype in ELEMENT_TYPES)) throw new UnsupportedOpError(`trace: tensors of type ${dtype} cannot be traced.`);
    const numbers = (values ?? new Float32Array(size)) as ArrayLike<number>;
    const first = numbers[0];
    let uniform = size > 0;
    for (let i = 1; i < size && uniform; i++) uniform = Object.is(numbers[i], first);
    const kept = uniform ? [Number(first)] : Array.from(numbers, Number);
    const data =
      dtype === "float32" ? Float32Array.from(kept) : dtype === "int32" ? Int32Array.from(kept) : Uint8Array.from(kept);
    const value = this.graph.constant(data, uniform ? shape.map(() => 1) : shape);
    return { ...plain(value), shape };
  }
}

/** The tfjs type of a graph value. */
function dtypeOf({ type, name }: Value): DataType {
  if (type === "float32" || type === "int32" || type === "bool") return type;
  throw new ConfigError(`trace: value ${name} has type ${type}, which tfjs does not know.`);
}

function readError(): UnsupportedOpError {
  return new UnsupportedOpError(
    "trace: the function reads a tensor's numbers (data, dataSync, array, print or a branch on them) while it is traced. " +
      "Numbers are known only when the graph runs: express the choice with tensors, for example with where().",
  );
}
