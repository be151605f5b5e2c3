import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Attribute, Node, Value } from "./graph.js";
import { ONNX_TYPES } from "./node.js";

/** A finished graph: nodes in the order of execution, and the names under which its outputs are known. */
export interface FinishedGraph {
  readonly inputs: readonly Value[];
  readonly nodes: readonly Node[];
  readonly constants: readonly Value[];
  readonly outputs: readonly { readonly name: string; readonly value: Value }[];
}

/** Version of the ONNX operator set that the tracer speaks. */
const OPSET = 17;

/** Version of the ONNX file format: the first one that knows opset 17. */
const IR_VERSION = 8;

const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_STRING = 3;
const ATTRIBUTE_INTS = 7;

/**
 * Writes a graph as an ONNX file (`ModelProto` of onnx.proto3, opset 17).
 *
 * @see https://github.com/onnx/onnx/blob/v1.12.0/onnx/onnx.proto3 for the field numbers.
 */
export function encodeModel(graph: FinishedGraph): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int64(IR_VERSION);
  writer.tag(2, WireType.LengthDelimited).string("plseg");
  message(writer, 7, (g) => writeGraph(g, graph));
  message(writer, 8, (opset) => {
    opset.tag(1, WireType.LengthDelimited).string("");
    opset.tag(2, WireType.Varint).int64(OPSET);
  });
  return writer.finish();
}

function writeGraph(writer: BinaryWriter, { inputs, nodes, constants, outputs }: FinishedGraph): void {
  for (const node of nodes) message(writer, 1, (n) => writeNode(n, node));
  for (const { name, value } of outputs) message(writer, 1, (n) => writeNode(n, alias(value, name)));
  writer.tag(2, WireType.LengthDelimited).string("plseg");
  for (const constant of constants) message(writer, 5, (t) => writeTensor(t, constant));
  for (const input of inputs) message(writer, 11, (v) => writeValueInfo(v, input));
  for (const { name, value } of outputs) message(writer, 12, (v) => writeValueInfo(v, { ...value, name }));
}

/**
 * Outputs are named by a node that passes the value on, so that one value may be several outputs, or an input too. For truth
 * values WebGPU has no `Identity`.
 */
const alias = (value: Value, name: string): Node => ({
  op: value.type === "bool" ? "And" : "Identity",
  inputs: value.type === "bool" ? [value, value] : [value],
  outputs: [{ ...value, name }],
  attributes: {},
});

function writeNode(writer: BinaryWriter, { op, inputs, outputs, attributes }: Node): void {
  for (const input of inputs) writer.tag(1, WireType.LengthDelimited).string(input?.name ?? "");
  for (const output of outputs) writer.tag(2, WireType.LengthDelimited).string(output.name);
  writer.tag(4, WireType.LengthDelimited).string(op);
  for (const [name, value] of Object.entries(attributes)) message(writer, 5, (a) => writeAttribute(a, name, value));
}

function writeAttribute(writer: BinaryWriter, name: string, value: Attribute): void {
  writer.tag(1, WireType.LengthDelimited).string(name);
  const type = (kind: number): void => void writer.tag(20, WireType.Varint).int32(kind);
  if (typeof value === "number") {
    writer.tag(3, WireType.Varint).int64(value);
    type(ATTRIBUTE_INT);
  } else if (typeof value === "string") {
    writer.tag(4, WireType.LengthDelimited).string(value);
    type(ATTRIBUTE_STRING);
  } else if ("float" in value) {
    writer.tag(2, WireType.Bit32).float(value.float);
    type(ATTRIBUTE_FLOAT);
  } else {
    for (const integer of value) writer.tag(8, WireType.Varint).int64(integer);
    type(ATTRIBUTE_INTS);
  }
}

function writeTensor(writer: BinaryWriter, { name, type, shape, constant }: Value): void {
  for (const size of shape) writer.tag(1, WireType.Varint).int64(size);
  writer.tag(2, WireType.Varint).int32(ONNX_TYPES[type]);
  writer.tag(8, WireType.LengthDelimited).string(name);
  if (constant)
    writer
      .tag(9, WireType.LengthDelimited)
      .bytes(new Uint8Array(constant.buffer, constant.byteOffset, constant.byteLength));
}

function writeValueInfo(writer: BinaryWriter, { name, type, shape }: Value): void {
  writer.tag(1, WireType.LengthDelimited).string(name);
  message(writer, 2, (typeProto) =>
    message(typeProto, 1, (tensorType) => {
      tensorType.tag(1, WireType.Varint).int32(ONNX_TYPES[type]);
      message(tensorType, 2, (shapeProto) => {
        for (const size of shape) message(shapeProto, 1, (dim) => void dim.tag(1, WireType.Varint).int64(size));
      });
    }),
  );
}

function message(writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}
