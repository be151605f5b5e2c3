import { type Attribute, type ElementType, type NodeWriter, ONNX_TYPES, type Value } from "./node.js";

type Inputs = readonly (Value | undefined)[];
type Attributes = Readonly<Record<string, Attribute>>;

/** A node as the tracer asks for it. */
interface Wanted {
  readonly op: string;
  readonly inputs: Inputs;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly attributes: Attributes;
}

/** Writes a node with others; `undefined` if it can stay as it is. */
type Rewrite = (graph: NodeWriter, wanted: Wanted) => Value | undefined;

/**
 * What to write on a GPU in the place of a node that ONNX Runtime 1.30 would leave to the CPU there: its WebGPU provider has
 * no kernel for the operation, or not for this type; or a kernel that is not accurate.
 */
export function gpuNode(graph: NodeWriter, wanted: Wanted): Value | undefined {
  if (wanted.inputs[0]?.type === "int64") return undefined; // WebGPU has no such numbers
  return REWRITES[wanted.op]?.(graph, wanted);
}

/** An operation number by number, of values of one shape or fewer axes of size 1. */
const each = (
  graph: NodeWriter,
  { shape }: Wanted,
  op: string,
  inputs: readonly Value[],
  type = inputs[0]?.type,
): Value => graph.node(op, inputs, type as ElementType, shape);

const cast = (graph: NodeWriter, value: Value, type: ElementType): Value =>
  value.type === type ? value : graph.node("Cast", [value], type, value.shape, { to: ONNX_TYPES[type] });

const number = (graph: NodeWriter, value: number, type: ElementType): Value =>
  graph.constant(type === "int32" ? Int32Array.of(value) : Float32Array.of(value), []);

const data = ({ inputs }: Wanted): readonly Value[] => inputs.filter((input) => input !== undefined);

/** Moves truth values as numbers. */
const boolAsFloat: Rewrite = (graph, { op, inputs, type, shape, attributes }) => {
  if (type !== "bool") return undefined;
  const numbers = inputs.map((input) => (input?.type === "bool" ? cast(graph, input, "float32") : input));
  return cast(graph, graph.node(op, numbers, "float32", shape, attributes), "bool");
};

/**
 * A slice of whole numbers or truth values, or one that runs backwards, as a choice of places, one axis after the other. The
 * provider has none of the former, and starts the latter from the end, whatever their start.
 */
const slice: Rewrite = (graph, { inputs, type }) => {
  const backwards = Array.from(inputs[4]?.constant ?? [], Number).some((step) => step < 0);
  if (type === "float32" && !backwards) return undefined;
  const [x, starts, ends, axes, steps] = inputs;
  const list = (value: Value | undefined): number[] => Array.from(value?.constant ?? [], Number);
  return list(axes).reduce<Value | undefined>((rest, axis, i) => {
    if (!rest) return undefined;
    const size = rest.shape[axis] ?? 1;
    const places = placesOf(size, list(starts)[i] ?? 0, list(ends)[i] ?? size, list(steps)[i] ?? 1);
    const indices = graph.constant(Int32Array.from(places), [places.length]);
    const shape = rest.shape.map((full, a) => (a === axis ? places.length : full));
    return graph.node("Gather", [rest, indices], type, shape, { axis });
  }, x);
};

/** Indices that ONNX's `Slice` takes along an axis. */
function placesOf(size: number, start: number, end: number, step: number): number[] {
  const from = (index: number): number => (index < 0 ? index + size : index);
  const first = step > 0 ? Math.max(0, from(start)) : Math.min(size - 1, from(start));
  const stop = step > 0 ? Math.min(size, from(end)) : Math.max(-1, from(end));
  return Array.from({ length: Math.max(0, Math.ceil((stop - first) / step)) }, (_, i) => first + i * step);
}

/** `x > 0 ? 1 : x < 0 ? −1 : 0` */
const sign: Rewrite = (graph, wanted) => {
  const [x] = data(wanted) as [Value];
  const value = (n: number): Value => number(graph, n, x.type);
  const below = each(graph, wanted, "Less", [x, value(0)], "bool");
  const negative = each(graph, wanted, "Where", [below, value(-1), value(0)], x.type);
  const above = each(graph, wanted, "Greater", [x, value(0)], "bool");
  return each(graph, wanted, "Where", [above, value(1), negative], x.type);
};

/** To the nearest whole number, halves to the even one. */
const round: Rewrite = (graph, wanted) => {
  const [x] = data(wanted) as [Value];
  const value = (n: number): Value => number(graph, n, "float32");
  const unary = (op: string, a: Value): Value => each(graph, wanted, op, [a]);
  const binary = (op: string, a: Value, b: Value): Value => each(graph, wanted, op, [a, b]);
  const floor = unary("Floor", x);
  const rest = binary("Sub", x, floor);
  const odd = binary("Sub", floor, binary("Mul", unary("Floor", binary("Mul", floor, value(0.5))), value(2)));
  // above a half 1, at a half 1 if the number below is odd
  const limit = binary("Sub", value(0.5), binary("Mul", odd, value(1e-7)));
  const up = each(graph, wanted, "Greater", [rest, limit], "bool");
  return binary("Add", floor, cast(graph, up, "float32"));
};

/** Remainder of a division: with the sign of the dividend (`fmod`), or of whole numbers with that of the divisor. */
const mod: Rewrite = (graph, wanted) => {
  const [a, b] = data(wanted) as [Value, Value];
  const { type, shape, attributes } = wanted;
  const binary = (op: string, x: Value, y: Value): Value => each(graph, wanted, op, [x, y]);
  const zero = number(graph, 0, type);
  const negative = (x: Value): Value => graph.node("Less", [x, zero], "bool", x.shape);
  const quotient = binary("Div", a, b);
  const whole = type === "int32" ? quotient : truncated(graph, quotient);
  const rest = binary("Sub", a, binary("Mul", whole, b));
  const select = (condition: Value, x: Value, y: Value): Value => graph.node("Where", [condition, x, y], type, shape);
  if (type === "int32") {
    if (attributes.fmod) return rest;
    const opposite = negative(
      binary("Mul", graph.node("Sign", [rest], type, shape), graph.node("Sign", [b], type, b.shape)),
    );
    return select(opposite, binary("Add", rest, b), rest);
  }
  // where the quotient was rounded up to a whole number, the rest has the wrong sign
  const size = graph.node("Abs", [b], type, b.shape);
  const forward = binary("Mul", size, graph.node("Sign", [a], type, a.shape));
  return select(negative(binary("Mul", rest, a)), binary("Add", rest, forward), rest);
};

const truncated = (graph: NodeWriter, x: Value): Value => {
  const size = graph.node("Floor", [graph.node("Abs", [x], x.type, x.shape)], x.type, x.shape);
  return graph.node("Mul", [size, graph.node("Sign", [x], x.type, x.shape)], x.type, x.shape);
};

/** `atan(x / √((1 − x)(1 + x)))`: the provider's own is off by 2e-4. */
const asin: Rewrite = (graph, wanted) => {
  const [x] = data(wanted) as [Value];
  const one = number(graph, 1, "float32");
  const binary = (op: string, a: Value, b: Value): Value => each(graph, wanted, op, [a, b]);
  const across = each(graph, wanted, "Sqrt", [binary("Mul", binary("Sub", one, x), binary("Add", one, x))]);
  return each(graph, wanted, "Atan", [binary("Div", x, across)]);
};

const wholeOnly =
  (rewrite: Rewrite): Rewrite =>
  (graph, wanted) =>
    wanted.type === "int32" ? rewrite(graph, wanted) : undefined;

const negated: Rewrite = (graph, wanted) =>
  each(graph, wanted, "Sub", [number(graph, 0, wanted.type), ...data(wanted)], wanted.type);

const REWRITES: Readonly<Record<string, Rewrite>> = {
  Sum: (graph, wanted) => data(wanted).reduce((sum, x) => each(graph, wanted, "Add", [sum, x])),
  Mod: mod,
  Or: (graph, wanted) => {
    const [a, b] = data(wanted).map((x) => graph.node("Not", [x], "bool", x.shape)) as [Value, Value];
    return each(graph, wanted, "Not", [each(graph, wanted, "And", [a, b])]);
  },
  Xor: (graph, wanted) => each(graph, wanted, "Not", [each(graph, wanted, "Equal", data(wanted))]),
  Equal: (graph, wanted) => {
    const operands = data(wanted);
    if (operands[0]?.type !== "bool") return undefined;
    return each(
      graph,
      wanted,
      "Equal",
      operands.map((x) => cast(graph, x, "int32")),
      "bool",
    );
  },
  Neg: wholeOnly(negated),
  Abs: wholeOnly((graph, wanted) => each(graph, wanted, "Max", [...data(wanted), negated(graph, wanted) as Value])),
  Relu: wholeOnly((graph, wanted) => each(graph, wanted, "Max", [...data(wanted), number(graph, 0, "int32")])),
  Sign: sign,
  Round: round,
  Asin: asin,
  Acos: (graph, wanted) =>
    each(graph, wanted, "Sub", [number(graph, Math.PI / 2, "float32"), asin(graph, wanted) as Value]),
  Selu: (graph, wanted) => {
    const { inputs, shape, attributes } = wanted;
    const of = (name: string, otherwise: number): number => {
      const given = attributes[name];
      return typeof given === "object" && "float" in given ? given.float : otherwise;
    };
    const alpha = { float: of("alpha", 1.6732632423543772) };
    const elu = graph.node("Elu", inputs, "float32", shape, { alpha });
    return each(graph, wanted, "Mul", [elu, number(graph, of("gamma", 1.0507009873554805), "float32")]);
  },
  Slice: slice,
  Concat: boolAsFloat,
  Transpose: boolAsFloat,
  Tile: boolAsFloat,
  Pad: boolAsFloat,
  GatherND: boolAsFloat,
};
