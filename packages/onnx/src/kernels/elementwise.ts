import type { Attribute, ElementType, Graph, Value } from "../graph.js";
import { ONNX_TYPES } from "../node.js";
import { piecewise } from "../pieces.js";
import { aligned, broadcastShape, plain, reshapeValue, type Sym, uniformValue } from "../symbol.js";

type Attributes = Readonly<Record<string, Attribute>>;

/** An ONNX operation that works number by number, with broadcasting. */
export function elementwise(
  graph: Graph,
  op: string,
  operands: readonly Sym[],
  type?: ElementType,
  attributes?: Attributes,
): Sym {
  const { shape, order, values } = aligned(graph, operands);
  const resultType = type ?? values[0]?.type ?? "float32";
  const inOne = (operands: readonly Value[]): Value =>
    graph.node(op, operands, resultType, broadcastShape(operands), attributes);
  return { shape, order, value: piecewise(graph, values, broadcastShape(values), inOne) ?? inOne(values) };
}

/** The number repeated over a shape. */
export function uniform(graph: Graph, number: number, type: ElementType, shape: readonly number[]): Sym {
  const data =
    type === "float32" ? Float32Array.of(number) : type === "int32" ? Int32Array.of(number) : Uint8Array.of(number);
  const value: Value = graph.constant(data, []);
  return {
    ...plain(
      reshapeValue(
        graph,
        value,
        shape.map(() => 1),
      ),
    ),
    shape,
  };
}

/** A number as a symbol of rank 0. */
export const scalar = (graph: Graph, number: number, type: ElementType = "float32"): Sym =>
  uniform(graph, number, type, []);

/** The symbol as float32, in which ONNX Runtime has every function. */
export const float = (graph: Graph, x: Sym): Sym => castTo(graph, x, "float32");

/** `condition ? yes : no`, number by number. */
export function choose(graph: Graph, condition: Sym, yes: Sym, no: Sym): Sym {
  if (yes.value.type !== "bool") return elementwise(graph, "Where", [condition, yes, no], yes.value.type);
  const [taken, left] = [
    elementwise(graph, "And", [condition, yes]),
    elementwise(graph, "And", [not(graph, condition), no]),
  ];
  return elementwise(graph, "Or", [taken, left]); // ONNX Runtime has no Where for truth values
}

/** Truth of a comparison, number by number. Truth values are compared as 0 and 1. */
export function compare(graph: Graph, op: string, a: Sym, b: Sym): Sym {
  const ordered = (x: Sym): Sym => (x.value.type === "bool" && op !== "Equal" ? castTo(graph, x, "int32") : x);
  return elementwise(graph, op, [ordered(a), ordered(b)], "bool");
}

/** The opposite truth values. */
export const not = (graph: Graph, x: Sym): Sym => elementwise(graph, "Not", [x], "bool");

/** The symbol with its numbers in another type; fractions are cut off, and all but zero is true. */
export function castTo(graph: Graph, x: Sym, type: ElementType): Sym {
  if (x.value.type === type) return x;
  const known = uniformValue(x);
  if (known !== undefined && type !== "int64")
    return uniform(
      graph,
      type === "int32" ? Math.trunc(known) : type === "bool" ? Number(known !== 0) : known,
      type,
      x.shape,
    );
  return { ...x, value: graph.node("Cast", [x.value], type, x.value.shape, { to: ONNX_TYPES[type] }) };
}
