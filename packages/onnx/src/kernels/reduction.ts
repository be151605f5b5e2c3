import { type Shape, sizeOf } from "@plseg/core";
import { engine } from "@tensorflow/tfjs-core";
import type { Graph, Value } from "../graph.js";
import { piecewise } from "../pieces.js";
import { expanded, reshaped, type Sym } from "../symbol.js";
import { castTo, choose, compare, elementwise, float, not, scalar } from "./elementwise.js";
import { fromFront, input, type KernelTable, type TraceKernel } from "./kernel.js";

/** An ONNX reduction over axes of the shape that the function sees; the axes stay, with size 1. */
export function reduce(graph: Graph, op: string, x: Sym, axes: readonly number[]): Sym {
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const places = axes.map((axis) => x.order.indexOf(axis)).filter((place) => x.value.shape[place] !== 1);
  places.sort((a, b) => a - b);
  const value = runs(places, x.value.shape).reduceRight((held, run) => reduceRun(graph, op, held, run), x.value);
  return { ...x, shape, value };
}

/** Places split where others lie between: ONNX Runtime is several times faster at one run of axes after the other. */
function runs(places: readonly number[], shape: Shape): number[][] {
  const split: number[][] = [];
  for (const place of places) {
    const last = split.at(-1);
    const between = shape.slice((last?.at(-1) ?? 0) + 1, place);
    if (last && between.every((size) => size === 1)) last.push(place);
    else split.push([place]);
  }
  return split;
}

function reduceRun(graph: Graph, op: string, value: Value, places: readonly number[]): Value {
  const shapeOf = ({ shape }: Value): number[] => shape.map((size, place) => (places.includes(place) ? 1 : size));
  const inOne = (operand: Value): Value =>
    op === "ReduceSum"
      ? graph.node(op, [operand, graph.integers(places)], operand.type, shapeOf(operand), { keepdims: 1 })
      : graph.node(op, [operand], operand.type, shapeOf(operand), { axes: places, keepdims: 1 });
  const perPlane = places.every((place) => place >= 2);
  const pieces = perPlane && piecewise(graph, [value], shapeOf(value), ([piece]) => inOne(piece as Value));
  return pieces || inOne(value);
}

/** The sum over axes, which stay with size 1. Repeated numbers are counted, not added up. */
export function reduceSum(graph: Graph, x: Sym, axes: readonly number[]): Sym {
  const repeats = sizeOf(
    axes.filter((axis) => x.value.shape[x.order.indexOf(axis)] === 1).map((axis) => x.shape[axis] ?? 1),
  );
  const sum = reduce(graph, "ReduceSum", x, axes);
  return repeats === 1 ? sum : elementwise(graph, "Mul", [sum, scalar(graph, repeats, x.value.type)]);
}

/** A tfjs reduction: axes in any form, kept with size 1 or dropped. */
function reduction(run: (graph: Graph, x: Sym, axes: readonly number[]) => Sym): TraceKernel {
  return (graph, inputs, { axis, reductionIndices, keepDims }) => {
    const x = input(inputs, "x");
    const rank = x.shape.length;
    const given = (axis ?? reductionIndices) as number | readonly number[] | undefined | null;
    const axes =
      given === undefined || given === null
        ? x.shape.map((_, i) => i)
        : [given].flat().map((a) => fromFront(a as number, rank));
    const kept = run(graph, x, axes);
    return keepDims
      ? kept
      : reshaped(
          graph,
          kept,
          x.shape.filter((_, i) => !axes.includes(i)),
        );
  };
}

/** The largest or smallest number. ONNX Runtime overlooks what is no number; tfjs lets it win. */
function extreme(graph: Graph, op: "ReduceMax" | "ReduceMin", x: Sym, axes: readonly number[]): Sym {
  const numbers = x.value.type === "bool" ? castTo(graph, x, "int32") : x;
  const found = reduce(graph, op, numbers, axes);
  if (numbers.value.type !== "float32" || onlyShifts()) return found;
  const strange = castTo(graph, not(graph, compare(graph, "Equal", x, x)), "float32");
  const any = compare(graph, "Greater", reduce(graph, "ReduceMax", strange, axes), scalar(graph, 0));
  return choose(graph, any, scalar(graph, Number.NaN), found);
}

/** Whether tfjs takes the maximum only to subtract it from the same numbers, among which what is no number remains. */
const onlyShifts = (): boolean =>
  engine().state.scopeStack.some(({ name }) => name === "logSoftmax__op" || name === "logSumExp__op");

/** Whether all or any of truth values hold: the smallest or largest of them as 0 and 1. */
const truth = (op: string): TraceKernel =>
  reduction((graph, x, axes) => castTo(graph, reduce(graph, op, castTo(graph, x, "int32"), axes), "bool"));

const softmax: TraceKernel = (graph, inputs, { dim }) => {
  const x = input(inputs, "logits");
  const axis = fromFront(dim as number, x.shape.length);
  const powers = elementwise(graph, "Exp", [elementwise(graph, "Sub", [x, reduce(graph, "ReduceMax", x, [axis])])]);
  return elementwise(graph, "Div", [powers, reduceSum(graph, powers, [axis])]);
};

/** Kernels that fold axes. */
export const REDUCTION_KERNELS: KernelTable = {
  Sum: reduction(reduceSum),
  Mean: reduction((graph, x, axes) => reduce(graph, "ReduceMean", float(graph, x), axes)),
  Prod: reduction((graph, x, axes) => reduce(graph, "ReduceProd", expanded(graph, x), axes)),
  All: truth("ReduceMin"),
  Any: truth("ReduceMax"),
  Max: reduction((graph, x, axes) => extreme(graph, "ReduceMax", x, axes)),
  Min: reduction((graph, x, axes) => extreme(graph, "ReduceMin", x, axes)),
  Softmax: softmax,
  LogSoftmax: (graph, inputs, { axis }) => {
    const x = input(inputs, "logits");
    const along = [fromFront(axis as number, x.shape.length)];
    const shifted = elementwise(graph, "Sub", [x, reduce(graph, "ReduceMax", x, along)]);
    const total = reduceSum(graph, elementwise(graph, "Exp", [shifted]), along);
    return elementwise(graph, "Sub", [shifted, elementwise(graph, "Log", [total])]);
  },
};
