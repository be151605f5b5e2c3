import type { Shape } from "@plseg/core";

/** Element types that a graph value may have, by their ONNX names. */
export type ElementType = "float32" | "int32" | "int64" | "bool" | "uint8" | "uint16";

/** Numbers by which ONNX files know the element types. */
export const ONNX_TYPES: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  uint16: 4,
  int32: 6,
  int64: 7,
  bool: 9,
};

/** Numbers of a constant; booleans are 0 or 1. */
export type ConstantData = Float32Array | Int32Array | BigInt64Array | Uint8Array;

/** A value of the graph: an input, a constant or what a node computes. Its shape is the one ONNX sees. */
export interface Value {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
  /** The numbers, if this is a constant. */
  readonly constant?: ConstantData;
}

/** What a node's attribute may be: a float (wrapped, since 1 and 1.0 are the same in JavaScript), integers or text. */
export type Attribute = { readonly float: number } | number | readonly number[] | string;

/** One ONNX operation. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** What adds constants and nodes to a graph. */
export interface NodeWriter {
  /** A constant. Equal constants share one value. */
  constant(data: ConstantData, shape: Shape): Value;
  /** Adds a node with one output. */
  node(
    op: string,
    inputs: readonly (Value | undefined)[],
    type: ElementType,
    shape: Shape,
    attributes?: Readonly<Record<string, Attribute>>,
  ): Value;
}
