import { sizeOf, UnsupportedOpError } from "@plseg/core";
import { slice_util } from "@tensorflow/tfjs-core";
import type { ElementType, Graph } from "../graph.js";
import {
  broadcastTo,
  expanded,
  fullShape,
  identityOrder,
  inOrder,
  materialize,
  PLANES_ORDER,
  plain,
  reshaped,
  reshapeValue,
  type Sym,
  transposed,
} from "../symbol.js";
import { castTo, elementwise, uniform } from "./elementwise.js";
import { fromFront, input, type KernelTable } from "./kernel.js";

/** What tfjs hands to `StridedSlice`. */
interface StridedSliceAttributes {
  readonly begin: number[];
  readonly end: number[];
  readonly strides: number[];
  readonly beginMask: number;
  readonly endMask: number;
  readonly ellipsisMask: number;
  readonly newAxisMask: number;
  readonly shrinkAxisMask: number;
}

/** One axis of a slice: first index, end and step. */
interface Range {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** An end that lies before index 0, for slices that run backwards through the whole axis. */
const BEFORE_START = -(2 ** 31);

function sliced(graph: Graph, x: Sym, ranges: readonly Range[], shape: readonly number[]): Sym {
  const places = ranges
    .map((range) => ({ ...range, place: x.order.indexOf(range.axis) }))
    .filter(({ place, axis }) => x.value.shape[place] !== 1 || x.shape[axis] === 1);
  const real = places.filter(({ axis, start, step }) => start !== 0 || step !== 1 || shape[axis] !== x.shape[axis]);
  if (real.length === 0) return { ...x, shape };
  const valueShape = x.value.shape.map((size, place) => {
    const range = real.find((r) => r.place === place);
    return range ? (shape[range.axis] ?? 1) : size;
  });
  const value = graph.node(
    "Slice",
    [
      x.value,
      graph.integers(real.map(({ start }) => start)),
      graph.integers(real.map(({ end }) => end)),
      graph.integers(real.map(({ place }) => place)),
      graph.integers(real.map(({ step }) => step)),
    ],
    x.value.type,
    valueShape,
  );
  return { ...x, shape, value };
}

/** `size` elements along one axis from `start` on. */
export function sliceAxis(graph: Graph, x: Sym, axis: number, start: number, size: number): Sym {
  const shape = x.shape.map((full, i) => (i === axis ? size : full));
  return sliced(graph, x, [{ axis, start, end: start + size, step: 1 }], shape);
}

/** Every `step`th element along some axes, `size` of them from `start` on. */
export function strided(
  graph: Graph,
  x: Sym,
  parts: readonly { readonly axis: number; readonly start: number; readonly step: number; readonly size: number }[],
): Sym {
  const shape = x.shape.map((full, axis) => parts.find((part) => part.axis === axis)?.size ?? full);
  const ranges = parts.map(({ axis, start, step, size }) => ({
    axis,
    start,
    end: start + (size - 1) * step + 1,
    step,
  }));
  return sliced(graph, x, ranges, shape);
}

/** The symbol backwards along the given axes. */
export function reversed(graph: Graph, x: Sym, axes: readonly number[]): Sym {
  const ranges = axes
    .filter((axis) => (x.shape[axis] ?? 1) > 1)
    .map((axis) => ({ axis, start: -1, end: BEFORE_START, step: -1 }));
  return ranges.length === 0 ? x : sliced(graph, x, ranges, x.shape);
}

/** Symbols one after the other along an axis. */
export function concatenated(graph: Graph, parts: readonly Sym[], axis: number): Sym {
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  const largest = parts.reduce((a, b) => (sizeOf(b.value.shape) > sizeOf(a.value.shape) ? b : a));
  const order = [...largest.order];
  const values = parts.map((part) => expanded(graph, inOrder(graph, part, order)).value);
  const size = parts.reduce((total, { shape }) => total + (shape[axis] ?? 0), 0);
  const shape = largest.shape.map((full, i) => (i === axis ? size : full));
  const valueShape = order.map((a) => shape[a] ?? 1);
  const value = graph.node("Concat", values, largest.value.type, valueShape, { axis: order.indexOf(axis) });
  return { shape, order, value };
}

function unstacked(graph: Graph, x: Sym, axis: number): Sym[] {
  const shape = x.shape.filter((_, i) => i !== axis);
  return identityOrder(x.shape[axis] ?? 0).map((i) => reshaped(graph, sliceAxis(graph, x, axis, i, 1), shape));
}

/** `value` around the symbol, `[before, after]` for each axis; a negative count cuts off instead. */
export function padded(graph: Graph, x: Sym, paddings: readonly (readonly [number, number])[], value = 0): Sym {
  if (paddings.every(([before, after]) => before === 0 && after === 0)) return x;
  const full = expanded(graph, x);
  const shape = x.shape.map((size, axis) => size + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0));
  const pads = [0, 1].flatMap((side) => x.order.map((axis) => paddings[axis]?.[side] ?? 0));
  const inputs = [full.value, graph.integers(pads), ...(value === 0 ? [] : [graph.float(value)])];
  return {
    ...x,
    shape,
    value: graph.node(
      "Pad",
      inputs,
      x.value.type,
      x.order.map((axis) => shape[axis] ?? 1),
    ),
  };
}

/** Kernels that move numbers about. */
export const SHAPING_KERNELS: KernelTable = {
  Identity: (_, inputs) => input(inputs, "x"),
  Reshape: (graph, inputs, { shape }) => {
    const x = input(inputs, "x");
    const sizes = [...(shape as readonly number[])];
    const open = sizes.indexOf(-1);
    if (open >= 0) sizes[open] = sizeOf(x.shape) / -sizeOf(sizes);
    return reshaped(graph, x, sizes);
  },
  ExpandDims: (graph, inputs, { dim }) => {
    const x = input(inputs, "input");
    const axis = fromFront(dim as number, x.shape.length + 1);
    return reshaped(graph, x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)]);
  },
  Transpose: (_, inputs, { perm }) => transposed(input(inputs, "x"), perm as readonly number[]),
  BroadcastTo: (graph, inputs, { shape }) => broadcastTo(graph, input(inputs, "x"), shape as readonly number[]),
  Slice: (graph, inputs, { begin, size }) => {
    const x = input(inputs, "x");
    const [starts, sizes] = slice_util.parseSliceParams(
      { shape: [...x.shape] } as Parameters<typeof slice_util.parseSliceParams>[0],
      begin as number | number[],
      size as number | number[],
    );
    const ranges = (starts ?? []).map((start, axis) => ({ axis, start, end: start + (sizes?.[axis] ?? 0), step: 1 }));
    return sliced(graph, x, ranges, sizes ?? []);
  },
  StridedSlice: (graph, inputs, attributes) => {
    const x = input(inputs, "x");
    const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } =
      attributes as unknown as StridedSliceAttributes;
    const info = slice_util.sliceInfo(
      [...x.shape],
      begin,
      end,
      strides,
      beginMask,
      endMask,
      ellipsisMask,
      newAxisMask,
      shrinkAxisMask,
    );
    const sizes = slice_util.computeOutShape(info.begin, info.end, info.strides);
    const ranges = info.begin.map((start, axis) => {
      const step = info.strides[axis] ?? 1;
      const stop = info.end[axis] ?? 0;
      return { axis, start, end: step < 0 && stop < 0 ? BEFORE_START : stop, step };
    });
    return reshaped(graph, sliced(graph, x, ranges, sizes), info.finalShape);
  },
  Reverse: (graph, inputs, { dims }) => {
    const x = input(inputs, "x");
    return reversed(
      graph,
      x,
      (dims as readonly number[]).map((axis) => fromFront(axis, x.shape.length)),
    );
  },
  Concat: (graph, inputs, { axis }) => {
    const parts = Object.values(inputs).filter(({ shape }) => sizeOf(shape) > 0);
    return concatenated(graph, parts, fromFront(axis as number, parts[0]?.shape.length ?? 1));
  },
  Pack: (graph, inputs, { axis }) => {
    const parts = Object.values(inputs).map((part) => {
      const at = fromFront(axis as number, part.shape.length + 1);
      return { at, symbol: reshaped(graph, part, [...part.shape.slice(0, at), 1, ...part.shape.slice(at)]) };
    });
    return concatenated(
      graph,
      parts.map(({ symbol }) => symbol),
      parts[0]?.at ?? 0,
    );
  },
  Unpack: (graph, inputs, { axis }) => {
    const x = input(inputs, "value");
    return unstacked(graph, x, fromFront(axis as number, x.shape.length));
  },
  SplitV: (graph, inputs, { numOrSizeSplits, axis }) => {
    const x = input(inputs, "x");
    const along = fromFront(axis as number, x.shape.length);
    const full = x.shape[along] ?? 0;
    const given = numOrSizeSplits as number | readonly number[];
    const sizes = typeof given === "number" ? Array.from({ length: given }, () => full / given) : [...given];
    const open = sizes.indexOf(-1);
    if (open >= 0) sizes[open] = full - sizes.reduce((total, size) => total + size, 1);
    let start = 0;
    return sizes.map((size) => {
      start += size;
      return sliceAxis(graph, x, along, start - size, size);
    });
  },
  PadV2: (graph, inputs, { paddings, constantValue }) =>
    padded(graph, input(inputs, "x"), paddings as readonly [number, number][], constantValue as number),
  Tile: (graph, inputs, { reps }) => {
    const x = input(inputs, "x");
    const repeats = reps as readonly number[];
    const shape = x.shape.map((size, axis) => size * (repeats[axis] ?? 1));
    if (x.shape.every((size, axis) => size === 1 || repeats[axis] === 1)) return broadcastTo(graph, x, shape);
    const full = expanded(graph, x);
    const ordered = x.order.map((axis) => repeats[axis] ?? 1);
    const valueShape = fullShape({ ...x, shape });
    return { ...x, shape, value: graph.node("Tile", [full.value, graph.integers(ordered)], x.value.type, valueShape) };
  },
  GatherV2: (graph, inputs, { axis, batchDims }) => {
    const [x, indices] = [input(inputs, "x"), input(inputs, "indices")];
    const at = fromFront(axis as number, x.shape.length);
    if (batchDims)
      throw new UnsupportedOpError("trace: gather with batchDims is not supported. Use one gather per item.");
    const value = materialize(graph, x);
    const index = materialize(graph, indices);
    const shape = [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)];
    return plain(graph.node("Gather", [value, index], value.type, shape, { axis: at }));
  },
  OneHot: (graph, inputs, { depth, onValue, offValue, dtype }) => {
    const indices = input(inputs, "indices");
    const rank = indices.shape.length;
    const full = expanded(graph, indices);
    // the classes where convolutions have their channels
    const place = rank === 4 && graph.target === "cpu" ? PLANES_ORDER.indexOf(4) : Math.min(rank, 1);
    const order = full.order.toSpliced(place, 0, rank);
    const shape = [...indices.shape, depth as number];
    const apart = reshapeValue(graph, full.value, full.value.shape.toSpliced(place, 0, 1));
    const classes = Int32Array.from({ length: depth as number }, (_, index) => index);
    const ladder = graph.constant(
      classes,
      order.map((axis) => (axis === rank ? (depth as number) : 1)),
    );
    // ONNX's own OneHot counts negative indices from the end, and is missing on WebGPU
    const hot = {
      shape,
      order,
      value: graph.node(
        "Equal",
        [apart, ladder],
        "bool",
        order.map((axis) => shape[axis] ?? 1),
      ),
    };
    const type = ((dtype as string | undefined) ?? "float32") as ElementType;
    if (onValue === 1 && offValue === 0) return castTo(graph, hot, type);
    const [on, off] = [onValue, offValue].map((number) => uniform(graph, number as number, type, shape));
    return elementwise(graph, "Where", [hot, on as Sym, off as Sym], type);
  },
  Fill: (graph, _, { shape, value, dtype }) =>
    uniform(
      graph,
      value as number,
      ((dtype as string | undefined) ?? "float32") as ElementType,
      shape as readonly number[],
    ),
  ZerosLike: (graph, inputs) => uniform(graph, 0, input(inputs, "x").value.type, input(inputs, "x").shape),
  OnesLike: (graph, inputs) => uniform(graph, 1, input(inputs, "x").value.type, input(inputs, "x").shape),
};
