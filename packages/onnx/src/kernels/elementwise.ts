import type { Attribute, ElementType, Graph, Value } from "../graph.js";
import { aligned, broadcastShape, broadcastTo, plain, reshapeValue, type Sym, uniformValue } from "../symbol.js";
import { input, type KernelTable, type TraceKernel } from "./kernel.js";

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
  return { shape, order, value: graph.node(op, values, resultType, broadcastShape(values), attributes) };
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

/** How an arithmetic operation works on known numbers, and which right operand leaves the left one as it is. */
interface Arithmetic {
  readonly compute: (a: number, b: number) => number;
  readonly neutral?: number;
  readonly commutes?: boolean;
}

function arithmetic(op: string, { compute, neutral, commutes = false }: Arithmetic): TraceKernel {
  return (graph, inputs) => {
    const [a, b] = [input(inputs, "a"), input(inputs, "b")];
    const [left, right] = [uniformValue(a), uniformValue(b)];
    const shape = broadcastShape([
      { ...a.value, shape: a.shape },
      { ...b.value, shape: b.shape },
    ]);
    if (left !== undefined && right !== undefined && a.value.type === "float32")
      return uniform(graph, Math.fround(compute(left, right)), "float32", shape);
    if (right !== undefined && right === neutral) return broadcastTo(graph, a, shape);
    if (left !== undefined && commutes && left === neutral) return broadcastTo(graph, b, shape);
    return elementwise(graph, op, [a, b]);
  };
}

const comparison =
  (op: string): TraceKernel =>
  (graph, inputs) =>
    elementwise(graph, op, [input(inputs, "a"), input(inputs, "b")], "bool");

const unary =
  (op: string): TraceKernel =>
  (graph, inputs) =>
    elementwise(graph, op, [input(inputs, "x")]);

const not = (graph: Graph, x: Sym): Sym => elementwise(graph, "Not", [x], "bool");

const square: TraceKernel = (graph, inputs) => elementwise(graph, "Mul", [input(inputs, "x"), input(inputs, "x")]);

/** Remainder with the sign of the divisor, as tfjs defines it. */
const mod: TraceKernel = (graph, inputs) => {
  const [a, b] = [input(inputs, "a"), input(inputs, "b")];
  const remainder = elementwise(graph, "Mod", [a, b], undefined, { fmod: 1 });
  const wrong = elementwise(graph, "Less", [elementwise(graph, "Mul", [remainder, b]), scalar(graph, 0)], "bool");
  return elementwise(graph, "Where", [wrong, elementwise(graph, "Add", [remainder, b]), remainder], a.value.type);
};

/** `condition ? t : e`; a condition of rank 1 chooses whole rows. */
const select: TraceKernel = (graph, inputs) => {
  const [condition, t, e] = [input(inputs, "condition"), input(inputs, "t"), input(inputs, "e")];
  const rows = condition.shape.length === 1 && t.shape.length > 1;
  const chosen: Sym = rows
    ? {
        shape: [...condition.shape, ...t.shape.slice(1).map(() => 1)],
        value: reshapeValue(graph, condition.value, [...condition.value.shape, ...t.shape.slice(1).map(() => 1)]),
        order: t.shape.map((_, axis) => axis),
      }
    : condition;
  return select3(graph, chosen, t, e);
};

const select3 = (graph: Graph, condition: Sym, t: Sym, e: Sym): Sym =>
  elementwise(graph, "Where", [condition, t, e], t.value.type);

const ONNX_TYPES: Readonly<Record<ElementType, number>> = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 };

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

/** Kernels that work number by number. */
export const ELEMENTWISE_KERNELS: KernelTable = {
  Add: arithmetic("Add", { compute: (a, b) => a + b, neutral: 0, commutes: true }),
  Sub: arithmetic("Sub", { compute: (a, b) => a - b, neutral: 0 }),
  Multiply: arithmetic("Mul", { compute: (a, b) => a * b, neutral: 1, commutes: true }),
  RealDiv: arithmetic("Div", { compute: (a, b) => a / b, neutral: 1 }),
  Pow: arithmetic("Pow", { compute: (a, b) => a ** b, neutral: 1 }),
  Maximum: arithmetic("Max", { compute: Math.max }),
  Minimum: arithmetic("Min", { compute: Math.min }),
  Mod: mod,
  SquaredDifference: (graph, inputs) => {
    const difference = elementwise(graph, "Sub", [input(inputs, "a"), input(inputs, "b")]);
    return elementwise(graph, "Mul", [difference, difference]);
  },
  AddN: (graph, inputs) => Object.values(inputs).reduce((sum, x) => elementwise(graph, "Add", [sum, x])),

  Equal: comparison("Equal"),
  NotEqual: (graph, inputs) =>
    not(graph, elementwise(graph, "Equal", [input(inputs, "a"), input(inputs, "b")], "bool")),
  Greater: comparison("Greater"),
  GreaterEqual: comparison("GreaterOrEqual"),
  Less: comparison("Less"),
  LessEqual: comparison("LessOrEqual"),
  LogicalAnd: comparison("And"),
  LogicalOr: comparison("Or"),
  LogicalNot: (graph, inputs) => not(graph, input(inputs, "x")),
  Select: select,
  Cast: (graph, inputs, { dtype }) => castTo(graph, input(inputs, "x"), dtype as ElementType),

  Neg: unary("Neg"),
  Abs: unary("Abs"),
  Exp: unary("Exp"),
  Log: unary("Log"),
  Log1p: (graph, inputs) =>
    elementwise(graph, "Log", [elementwise(graph, "Add", [input(inputs, "x"), scalar(graph, 1)])]),
  Sqrt: unary("Sqrt"),
  Rsqrt: (graph, inputs) => elementwise(graph, "Reciprocal", [elementwise(graph, "Sqrt", [input(inputs, "x")])]),
  Reciprocal: unary("Reciprocal"),
  Square: square,
  Floor: unary("Floor"),
  Ceil: unary("Ceil"),
  Round: unary("Round"),
  Sign: unary("Sign"),
  Sin: unary("Sin"),
  Cos: unary("Cos"),
  Erf: unary("Erf"),
  ClipByValue: (graph, inputs, { clipValueMin, clipValueMax }) => {
    const x = input(inputs, "x");
    const limits = [graph.float(clipValueMin as number), graph.float(clipValueMax as number)];
    return { ...x, value: graph.node("Clip", [x.value, ...limits], x.value.type, x.value.shape) };
  },
};
