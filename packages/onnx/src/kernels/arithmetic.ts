import type { Graph } from "../graph.js";
import { broadcastShape, broadcastTo, reshaped, type Sym, uniformValue } from "../symbol.js";
import { castTo, choose, compare, elementwise, not, scalar, uniform } from "./elementwise.js";
import { input, type KernelTable, type TraceKernel } from "./kernel.js";

/** How an arithmetic operation works on known numbers, and which right operand leaves the left one as it is. */
interface Arithmetic {
  readonly compute: (a: number, b: number) => number;
  readonly neutral?: number;
  readonly commutes?: boolean;
}

function arithmetic(op: string, { compute, neutral, commutes = false }: Arithmetic): TraceKernel {
  return (graph, inputs) => {
    const [a, b] = [input(inputs, "a"), input(inputs, "b")];
    if (a.value.type === "bool") {
      const result = elementwise(graph, op, [castTo(graph, a, "int32"), castTo(graph, b, "int32")]);
      return castTo(graph, result, "bool");
    }
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

/** An operation of two operands, by symbols. */
const binary =
  (run: (graph: Graph, a: Sym, b: Sym) => Sym): TraceKernel =>
  (graph, inputs) =>
    run(graph, input(inputs, "a"), input(inputs, "b"));

const comparison = (op: string): TraceKernel => binary((graph, a, b) => compare(graph, op, a, b));
const logic = (op: string): TraceKernel => binary((graph, a, b) => elementwise(graph, op, [a, b], "bool"));

/** Remainder with the sign of the divisor, as tfjs defines it. */
function mod(graph: Graph, a: Sym, b: Sym): Sym {
  const type = a.value.type;
  if (type === "int32") return elementwise(graph, "Mod", [a, nonZero(graph, b)]);
  const remainder = elementwise(graph, "Mod", [a, b], undefined, { fmod: 1 });
  const wrong = compare(graph, "Less", elementwise(graph, "Mul", [remainder, b]), scalar(graph, 0));
  return choose(graph, wrong, elementwise(graph, "Add", [remainder, b]), remainder);
}

/** Whole divisors with 1 in the place of 0, by which ONNX Runtime must not divide. */
function nonZero(graph: Graph, b: Sym): Sym {
  const known = uniformValue(b);
  if (known !== undefined && known !== 0) return b;
  return choose(graph, compare(graph, "Equal", b, scalar(graph, 0, "int32")), scalar(graph, 1, "int32"), b);
}

/** The largest whole number that is at most `a / b`. A whole number divided by 0 gives 0, as tfjs stores its infinity. */
function floorDiv(graph: Graph, a: Sym, b: Sym): Sym {
  if (a.value.type === "float32") return elementwise(graph, "Floor", [elementwise(graph, "Div", [a, b])]);
  const divisor = nonZero(graph, b);
  const whole = elementwise(graph, "Sub", [a, elementwise(graph, "Mod", [a, divisor])]);
  const quotient = elementwise(graph, "Div", [whole, divisor]);
  if (divisor === b) return quotient;
  const zero = scalar(graph, 0, "int32");
  return choose(graph, compare(graph, "Equal", b, zero), zero, quotient);
}

/** The angle of the point `(x, y)`, in (−π, π]. */
function atan2(graph: Graph, y: Sym, x: Sym): Sym {
  const zero = scalar(graph, 0);
  const infinite = (v: Sym): Sym =>
    compare(graph, "Equal", elementwise(graph, "Abs", [v]), scalar(graph, Number.POSITIVE_INFINITY));
  const both = elementwise(graph, "And", [infinite(y), infinite(x)], "bool");
  const signed = (v: Sym, size: number): Sym =>
    choose(graph, compare(graph, "Less", v, zero), scalar(graph, -size), scalar(graph, size));
  const [rise, run] = [choose(graph, both, signed(y, 1), y), choose(graph, both, signed(x, 1), x)]; // ∞/∞ counts as 1
  const angle = elementwise(graph, "Atan", [elementwise(graph, "Div", [rise, run])]);
  const turn = choose(graph, compare(graph, "Less", x, zero), signed(y, Math.PI), zero);
  const upright = choose(graph, compare(graph, "Equal", y, zero), zero, elementwise(graph, "Add", [angle, turn]));
  return choose(graph, compare(graph, "Equal", x, zero), upright, elementwise(graph, "Add", [angle, turn]));
}

/** Which bits both whole numbers have. The operator set has no such operation before version 18: bit by bit, then. */
function bitwiseAnd(graph: Graph, a: Sym, b: Sym): Sym {
  const powers = Array.from({ length: 31 }, (_, bit) => 2 ** bit);
  const bits = (x: Sym): Sym => {
    const spread = reshaped(graph, x, [...x.shape, 1]);
    const weights = { ...scalarVector(graph, powers), order: [0] };
    const two = scalar(graph, 2, "int32");
    return elementwise(graph, "Mod", [floorDiv(graph, spread, weights), two]);
  };
  const common = elementwise(graph, "Mul", [bits(a), bits(b)]);
  const weighted = elementwise(graph, "Mul", [common, scalarVector(graph, powers)]);
  const axis = weighted.order.indexOf(weighted.shape.length - 1);
  const shape = weighted.shape.slice(0, -1);
  const sum = graph.node(
    "ReduceSum",
    [weighted.value, graph.integers([axis])],
    "int32",
    weighted.value.shape.map((size, i) => (i === axis ? 1 : size)),
    { keepdims: 1 },
  );
  const magnitude = reshaped(graph, { ...weighted, shape: [...shape, 1], value: sum }, shape);
  const negative = (x: Sym): Sym => compare(graph, "Less", x, scalar(graph, 0, "int32"));
  const sign = elementwise(graph, "And", [negative(a), negative(b)], "bool");
  const lowest = elementwise(graph, "Add", [magnitude, scalar(graph, -(2 ** 31), "int32")]);
  return choose(graph, sign, lowest, magnitude);
}

const scalarVector = (graph: Graph, numbers: readonly number[]): Sym => ({
  shape: [numbers.length],
  value: graph.constant(Int32Array.from(numbers), [numbers.length]),
  order: [0],
});

/** `condition ? t : e`; a condition of rank 1 chooses whole rows. */
const select: TraceKernel = (graph, inputs) => {
  const [condition, t, e] = [input(inputs, "condition"), input(inputs, "t"), input(inputs, "e")];
  const rows = condition.shape.length === 1 && t.shape.length > 1;
  const ones = t.shape.slice(1).map(() => 1);
  return choose(graph, rows ? reshaped(graph, condition, [...condition.shape, ...ones]) : condition, t, e);
};

/** Kernels of two or more operands, number by number. */
export const ARITHMETIC_KERNELS: KernelTable = {
  Add: arithmetic("Add", { compute: (a, b) => a + b, neutral: 0, commutes: true }),
  Sub: arithmetic("Sub", { compute: (a, b) => a - b, neutral: 0 }),
  Multiply: arithmetic("Mul", { compute: (a, b) => a * b, neutral: 1, commutes: true }),
  RealDiv: arithmetic("Div", { compute: (a, b) => a / b, neutral: 1 }),
  Pow: arithmetic("Pow", { compute: (a, b) => a ** b, neutral: 1 }),
  Maximum: arithmetic("Max", { compute: Math.max }),
  Minimum: arithmetic("Min", { compute: Math.min }),
  Mod: binary(mod),
  FloorDiv: binary(floorDiv),
  SquaredDifference: binary((graph, a, b) => {
    const difference = elementwise(graph, "Sub", [a, b]);
    return elementwise(graph, "Mul", [difference, difference]);
  }),
  Atan2: binary(atan2),
  BitwiseAnd: binary(bitwiseAnd),
  AddN: (graph, inputs) => Object.values(inputs).reduce((sum, x) => elementwise(graph, "Add", [sum, x])),

  Equal: comparison("Equal"),
  NotEqual: binary((graph, a, b) => not(graph, compare(graph, "Equal", a, b))),
  Greater: comparison("Greater"),
  GreaterEqual: comparison("GreaterOrEqual"),
  Less: comparison("Less"),
  LessEqual: comparison("LessOrEqual"),
  LogicalAnd: logic("And"),
  LogicalOr: logic("Or"),
  LogicalXor: logic("Xor"),
  LogicalNot: (graph, inputs) => not(graph, input(inputs, "x")),
  Select: select,
};
