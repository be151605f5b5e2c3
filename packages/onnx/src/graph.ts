import { type Shape, sizeOf } from "@plseg/core";
import { gpuNode } from "./gpu-node.js";
import type { Attribute, ConstantData, ElementType, Node, NodeWriter, Value } from "./node.js";

export type { Attribute, ConstantData, ElementType, Node, Value } from "./node.js";

const EMPTY: Readonly<Record<string, Attribute>> = {};

/**
 * What a graph is written for. Some operations exist in ONNX Runtime on the CPU only; for `gpu` they are written with
 * those that its WebGPU provider has as well.
 */
export type Target = "cpu" | "gpu";

/** An ONNX graph under construction. Equal nodes and equal constants are made once. */
export class Graph implements NodeWriter {
  readonly target: Target;
  /** Whether volumes are computed a few planes at a time where that can be; see pieces.ts. */
  readonly streamed: boolean;
  /** By name of a volume: the pieces that it is joined from. */
  readonly pieces: Map<string, readonly Value[]> = new Map();
  readonly inputs: Value[] = [];
  readonly nodes: Node[] = [];
  private readonly known = new Map<string, readonly Value[]>();
  private readonly constants = new Map<string, Value>();
  private count = 0;

  constructor(target: Target = "cpu", streamed = false) {
    this.target = target;
    this.streamed = streamed;
  }

  /** Declares an input. */
  input(name: string, type: ElementType, shape: Shape): Value {
    const value = { name, type, shape };
    this.inputs.push(value);
    return value;
  }

  /** A constant. Equal constants share one value. */
  constant(data: ConstantData, shape: Shape): Value {
    const type = typeOf(data);
    const key = data.length <= 64 ? `${type}|${shape}|${data}` : undefined;
    const shared = key === undefined ? this.sameLargeConstant(data, shape) : this.constants.get(key);
    if (shared) return shared;
    const value: Value = { name: `c${this.constants.size}`, type, shape, constant: data };
    this.constants.set(key ?? value.name, value);
    return value;
  }

  /** A rank-0 float. */
  float(value: number): Value {
    return this.constant(new Float32Array([value]), []);
  }

  /** A vector of 64-bit integers, as shapes and axes are given to ONNX. */
  integers(values: readonly number[]): Value {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** Adds a node with one output. */
  node(
    op: string,
    inputs: readonly (Value | undefined)[],
    type: ElementType,
    shape: Shape,
    attributes: Readonly<Record<string, Attribute>> = EMPTY,
  ): Value {
    const other = this.target === "gpu" ? gpuNode(this, { op, inputs, type, shape, attributes }) : undefined;
    return other ?? (this.multi(op, inputs, [{ type, shape }], attributes)[0] as Value);
  }

  /** Adds a node with several outputs. */
  multi(
    op: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly { readonly type: ElementType; readonly shape: Shape }[],
    attributes: Readonly<Record<string, Attribute>> = EMPTY,
  ): readonly Value[] {
    const key = `${op}|${inputs.map((input) => input?.name ?? "")}|${JSON.stringify(attributes)}|${outputs.length}`;
    const same = this.known.get(key);
    if (same) return same;
    const values = outputs.map(({ type, shape }) => ({ name: `v${this.count++}`, type, shape }));
    this.nodes.push({ op, inputs, outputs: values, attributes });
    this.known.set(key, values);
    return values;
  }

  private sameLargeConstant(data: ConstantData, shape: Shape): Value | undefined {
    for (const value of this.constants.values()) {
      const other = value.constant;
      if (
        other?.length === data.length &&
        typeOf(other) === typeOf(data) &&
        String(value.shape) === String(shape) &&
        other.every((number, i) => number === data[i])
      )
        return value;
    }
    return undefined;
  }
}

/** Bytes that a value's numbers take. */
export function byteLength({ type, shape }: Value): number {
  const width = { float32: 4, int32: 4, int64: 8, bool: 1, uint8: 1, uint16: 2 }[type];
  return width * sizeOf(shape);
}

function typeOf(data: ConstantData): ElementType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Int32Array) return "int32";
  return data instanceof Uint8Array ? "bool" : "int64";
}
