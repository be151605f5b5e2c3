import { sizeOf } from "@plseg/core";
import type { Graph } from "../graph.js";
import { expanded, materialize, reshaped, type Sym } from "../symbol.js";
import { castTo, choose, compare, elementwise, not, scalar } from "./elementwise.js";
import { fromFront, input, type KernelAttributes, type KernelTable, type TraceKernel } from "./kernel.js";
import { reduce } from "./reduction.js";
import { padded, reversed, sliceAxis } from "./shaping.js";

/** `0, 1, …` along one axis of a shape of the given rank. */
export function places(graph: Graph, count: number, axis: number, rank: number, type: "int32" | "float32"): Sym {
  const numbers = Array.from({ length: count }, (_, i) => i);
  const data = type === "int32" ? Int32Array.from(numbers) : Float32Array.from(numbers);
  const vector: Sym = { shape: [count], value: graph.constant(data, [count]), order: [0] };
  return reshaped(
    graph,
    vector,
    Array.from({ length: rank }, (_, i) => (i === axis ? count : 1)),
  );
}

/**
 * The place of the largest or smallest number along an axis; of equal ones the first. It is the smallest place at which the
 * extreme stands: ONNX' own ArgMax gives 64-bit integers, which the GPU does not convert.
 */
function argument(extreme: "ReduceMax" | "ReduceMin"): TraceKernel {
  return (graph, inputs, { axis }) => {
    const x = input(inputs, "x");
    const along = fromFront(axis as number, x.shape.length);
    const count = x.shape[along] ?? 1;
    const numbers = x.value.type === "bool" ? castTo(graph, x, "int32") : x;
    const worst = extreme === "ReduceMax" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const real =
      numbers.value.type === "float32"
        ? choose(graph, compare(graph, "Equal", numbers, numbers), numbers, scalar(graph, worst)) // not-a-number never wins
        : numbers;
    const found = compare(graph, "Equal", real, reduce(graph, extreme, real, [along]));
    const where = choose(
      graph,
      found,
      places(graph, count, along, x.shape.length, "int32"),
      scalar(graph, count, "int32"),
    );
    return reshaped(
      graph,
      reduce(graph, "ReduceMin", where, [along]),
      x.shape.filter((_, i) => i !== along),
    );
  };
}

/** What a scan shares: its operand read in the direction of the scan, and the way back. */
function scanned(graph: Graph, x: Sym, { axis, reverse }: KernelAttributes, run: (x: Sym, along: number) => Sym): Sym {
  const along = fromFront((axis ?? 0) as number, x.shape.length);
  const turn = (v: Sym): Sym => (reverse ? reversed(graph, v, [along]) : v);
  return turn(run(turn(x), along));
}

/** The symbol moved on by some places along an axis, with `fill` coming in. */
function shifted(graph: Graph, x: Sym, axis: number, by: number, fill: number): Sym {
  const size = x.shape[axis] ?? 1;
  const kept = sliceAxis(graph, x, axis, 0, size - by);
  return padded(
    graph,
    kept,
    x.shape.map((_, i): [number, number] => [i === axis ? by : 0, 0]),
    fill,
  );
}

/** Products of all numbers so far: each step doubles how many are multiplied. */
function cumulativeProduct(graph: Graph, x: Sym, axis: number, exclusive: boolean): Sym {
  const size = x.shape[axis] ?? 1;
  let total = exclusive ? shifted(graph, expanded(graph, x), axis, Math.min(1, size), 1) : expanded(graph, x);
  for (let reach = 1; reach < size; reach *= 2)
    total = elementwise(graph, "Mul", [total, shifted(graph, total, axis, reach, 1)]);
  return total;
}

function cumulativeSum(graph: Graph, x: Sym, { axis, exclusive, reverse }: KernelAttributes): Sym {
  const full = expanded(graph, x);
  const along = full.order.indexOf(fromFront((axis ?? 0) as number, x.shape.length));
  const flags = { ...(Boolean(exclusive) && { exclusive: 1 }), ...(Boolean(reverse) && { reverse: 1 }) };
  const place = graph.constant(Int32Array.of(along), []);
  return { ...full, value: graph.node("CumSum", [full.value, place], x.value.type, full.value.shape, flags) };
}

/** The largest numbers along the last axis, and where they stand. Sorted also where that was not asked for. */
const topK: TraceKernel = (graph, inputs, { k }) => {
  const x = input(inputs, "x");
  const value = materialize(graph, x);
  const shape = [...x.shape.slice(0, -1), k as number];
  const [values, indices] = graph.multi(
    "TopK",
    [value, graph.integers([k as number])],
    [
      { type: value.type, shape },
      { type: "int64", shape },
    ],
    { axis: x.shape.length - 1 },
  );
  const order = shape.map((_, axis) => axis);
  const symbol = (v: typeof values): Sym => ({ shape, value: v as Sym["value"], order });
  return [symbol(values), castTo(graph, symbol(indices), "int32")];
};

/** How many of the sorted numbers of a row are below (`left`) or not above (`right`) each value. */
const searchSorted =
  (given?: "left" | "right"): TraceKernel =>
  (graph, inputs, { side }) => {
    const [sorted, values] = [input(inputs, "sortedSequence"), input(inputs, "values")];
    const [rows = 1, count = 1] = sorted.shape;
    const row = reshaped(graph, sorted, [rows, 1, count]);
    const column = reshaped(graph, values, [...values.shape, 1]);
    const before =
      (given ?? side) === "left"
        ? compare(graph, "Less", row, column)
        : not(graph, compare(graph, "Greater", row, column));
    const ones = castTo(graph, before, "int32");
    return reshaped(graph, reduce(graph, "ReduceSum", ones, [2]), values.shape);
  };

/** How often each whole number below `size` occurs, or the sum of the weights where it does. */
function binCount(graph: Graph, x: Sym, weights: Sym, { size, binaryOutput }: KernelAttributes): Sym {
  const rank = x.shape.length;
  const column = reshaped(graph, castTo(graph, x, "int32"), [...x.shape, 1]);
  const hits = compare(graph, "Equal", column, places(graph, size as number, rank, rank + 1, "int32"));
  const type = weights.value.type;
  const weighted =
    sizeOf(weights.shape) > 0 && !binaryOutput
      ? choose(graph, hits, reshaped(graph, weights, [...weights.shape, 1]), scalar(graph, 0, type))
      : castTo(graph, hits, type);
  const fold = binaryOutput ? "ReduceMax" : "ReduceSum";
  const counts = reduce(graph, fold, expanded(graph, weighted), [rank - 1]);
  return reshaped(graph, counts, [...x.shape.slice(0, -1), size as number]);
}

const flat = (graph: Graph, x: Sym): Sym => reshaped(graph, x, [sizeOf(x.shape)]);

/** Kernels that go along an axis. */
export const SCAN_KERNELS: KernelTable = {
  ArgMax: argument("ReduceMax"),
  ArgMin: argument("ReduceMin"),
  Cumsum: (graph, inputs, attributes) => cumulativeSum(graph, input(inputs, "x"), attributes),
  Cumprod: (graph, inputs, attributes) =>
    scanned(graph, input(inputs, "x"), attributes, (x, axis) =>
      cumulativeProduct(graph, x, axis, attributes.exclusive === true),
    ),
  TopK: topK,
  SearchSorted: searchSorted(),
  LowerBound: searchSorted("left"),
  UpperBound: searchSorted("right"),
  Bincount: (graph, inputs, attributes) =>
    binCount(graph, flat(graph, input(inputs, "x")), flat(graph, input(inputs, "weights")), attributes),
  DenseBincount: (graph, inputs, attributes) =>
    binCount(graph, input(inputs, "x"), input(inputs, "weights"), attributes),
};
