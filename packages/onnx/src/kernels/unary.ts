import type { ElementType, Graph } from "../graph.js";
import type { Sym } from "../symbol.js";
import { castTo, choose, compare, elementwise, float, not, scalar } from "./elementwise.js";
import { input, type KernelTable, type TraceKernel } from "./kernel.js";

/** A function of one operand, by symbols. */
const unary =
  (run: (graph: Graph, x: Sym) => Sym): TraceKernel =>
  (graph, inputs) =>
    run(graph, input(inputs, "x"));

/** An ONNX operation that knows whole numbers too. */
const any = (op: string): TraceKernel => unary((graph, x) => elementwise(graph, op, [x]));

/** An ONNX operation on floats; whole numbers are taken as floats. */
const floating = (op: string): TraceKernel => unary((graph, x) => elementwise(graph, op, [float(graph, x)]));

/** An ONNX operation that leaves whole numbers as they are. */
const rounding = (op: string): TraceKernel =>
  unary((graph, x) => (x.value.type === "float32" ? elementwise(graph, op, [x]) : x));

/** −1, 0 or 1; 0 for what is no number. */
function sign(graph: Graph, x: Sym): Sym {
  const type = x.value.type;
  const zero = scalar(graph, 0, type);
  const negative = choose(graph, compare(graph, "Less", x, zero), scalar(graph, -1, type), zero);
  return choose(graph, compare(graph, "Greater", x, zero), scalar(graph, 1, type), negative);
}

/** `exp(x) − 1` as `tanh(x/2) · (exp(x) + 1)`, which is right near 0 too. */
function expm1(graph: Graph, x: Sym): Sym {
  const powers = elementwise(graph, "Exp", [x]);
  const half = elementwise(graph, "Tanh", [elementwise(graph, "Mul", [x, scalar(graph, 0.5)])]);
  return elementwise(graph, "Mul", [half, elementwise(graph, "Add", [powers, scalar(graph, 1)])]);
}

const size = (graph: Graph, x: Sym): Sym => elementwise(graph, "Abs", [float(graph, x)]);
const infinity = (graph: Graph): Sym => scalar(graph, Number.POSITIVE_INFINITY);

/** Kernels of one operand, number by number. */
export const UNARY_KERNELS: KernelTable = {
  Cast: (graph, inputs, { dtype }) => castTo(graph, input(inputs, "x"), dtype as ElementType),
  Neg: any("Neg"),
  Abs: any("Abs"),
  Sign: unary(sign),
  Floor: rounding("Floor"),
  Ceil: rounding("Ceil"),
  Round: rounding("Round"),
  Exp: floating("Exp"),
  Expm1: unary((graph, x) => expm1(graph, float(graph, x))),
  Log: floating("Log"),
  Log1p: unary((graph, x) =>
    elementwise(graph, "Log", [elementwise(graph, "Add", [float(graph, x), scalar(graph, 1)])]),
  ),
  Sqrt: floating("Sqrt"),
  Rsqrt: unary((graph, x) => elementwise(graph, "Reciprocal", [elementwise(graph, "Sqrt", [float(graph, x)])])),
  Reciprocal: floating("Reciprocal"),
  Square: unary((graph, x) => elementwise(graph, "Mul", [x, x])),
  Sin: floating("Sin"),
  Cos: floating("Cos"),
  Tan: floating("Tan"),
  Asin: floating("Asin"),
  Acos: floating("Acos"),
  Atan: floating("Atan"),
  Sinh: floating("Sinh"),
  Cosh: floating("Cosh"),
  Asinh: floating("Asinh"),
  Acosh: floating("Acosh"),
  Atanh: floating("Atanh"),
  Erf: floating("Erf"),
  IsNan: unary((graph, x) => not(graph, compare(graph, "Equal", x, x))),
  IsInf: unary((graph, x) => compare(graph, "Equal", size(graph, x), infinity(graph))),
  IsFinite: unary((graph, x) => compare(graph, "Less", size(graph, x), infinity(graph))),
  ClipByValue: (graph, inputs, { clipValueMin, clipValueMax }) => {
    const x = input(inputs, "x");
    const type = x.value.type;
    const limits = [clipValueMin, clipValueMax].map((limit) =>
      scalar(graph, type === "float32" ? (limit as number) : Math.trunc(limit as number), type),
    );
    return { ...x, value: graph.node("Clip", [x.value, ...limits.map(({ value }) => value)], type, x.value.shape) };
  },
};
