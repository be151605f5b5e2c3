import { ShapeError, showShape, sizeOf } from "@plseg/core";
import { backend_util, slice_util, util } from "@tensorflow/tfjs-core";
import type { Graph, Value } from "../graph.js";
import { piecewise } from "../pieces.js";
import {
  broadcastTo,
  expanded,
  fullShape,
  identityOrder,
  inOrder,
  plain,
  reshaped,
  type Sym,
  transposed,
} from "../symbol.js";
import { choose, scalar } from "./elementwise.js";
import { fromFront, input, type KernelTable, tensorLike } from "./kernel.js";

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
  const place = order.indexOf(axis);
  const inOne = (operands: readonly Value[], shape: readonly number[]): Value =>
    graph.node("Concat", operands, largest.value.type, shape, { axis: place });
  const perPlane = place >= 2 && valueShape.length === 5;
  const pieces =
    perPlane && piecewise(graph, values, valueShape, (of, planes) => inOne(of, [1, planes, ...valueShape.slice(2)]));
  return { shape, order, value: pieces || inOne(values, valueShape) };
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
  const inputs = [full.value, graph.integers(pads), ...(value === 0 ? [] : [scalar(graph, value, x.value.type).value])];
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

/** The numbers at known places along an axis. */
export function gathered(graph: Graph, x: Sym, indices: readonly number[], axis: number): Sym {
  const full = expanded(graph, x);
  const shape = x.shape.map((size, i) => (i === axis ? indices.length : size));
  const valueShape = full.order.map((a) => shape[a] ?? 1);
  const places = graph.constant(Int32Array.from(indices), [indices.length]);
  const value = graph.node("Gather", [full.value, places], x.value.type, valueShape, {
    axis: full.order.indexOf(axis),
  });
  return { ...full, shape, value };
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
    if (axis < 0 || axis > x.shape.length)
      throw new ShapeError(`expandDims: axis must be at least ${-x.shape.length - 1}, got ${String(dim)}.`);
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
    slice_util.assertParamsValid(tensorLike(x) as never, starts ?? [], sizes ?? []);
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
    const sizes = slice_util.computeOutShape(info.begin, info.end, info.strides).map((size) => Math.max(size, 0));
    const ranges = info.begin.map((start, axis) => {
      const step = info.strides[axis] ?? 1;
      const stop = info.end[axis] ?? 0;
      return { axis, start, end: step < 0 && stop < 0 ? BEFORE_START : stop, step };
    });
    const shape = info.finalShape.map((size) => Math.max(size, 0)); // tfjs counts −0 where nothing is left
    return reshaped(graph, sliced(graph, x, ranges, sizes), shape);
  },
  Reverse: (graph, inputs, { dims }) => {
    const x = input(inputs, "x");
    return reversed(graph, x, util.parseAxisParam(dims as number[], [...x.shape]));
  },
  Concat: (graph, inputs, { axis }) => {
    const given = Object.values(inputs);
    backend_util.assertParamsConsistent(
      given.map(({ shape }) => [...shape]),
      fromFront(axis as number, given[0]?.shape.length ?? 1),
    );
    const parts = given.filter(({ shape }) => sizeOf(shape) > 0);
    return concatenated(
      graph,
      parts.length > 0 ? parts : given,
      fromFront(axis as number, given[0]?.shape.length ?? 1),
    );
  },
  Pack: (graph, inputs, { axis }) => {
    for (const { shape, value } of Object.values(inputs)) {
      const [first] = Object.values(inputs);
      if (first && (String(shape) !== String(first.shape) || value.type !== first.value.type))
        throw new ShapeError(
          `stack: all tensors must have one shape and type, got ${first.value.type} ${showShape(first.shape)} and ${value.type} ${showShape(shape)}.`,
        );
    }
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
    const sizes = backend_util.prepareSplitSize(tensorLike(x) as never, numOrSizeSplits as number | number[], along);
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
  MirrorPad: (graph, inputs, { paddings, mode }) => {
    const x = input(inputs, "x");
    const edge = mode === "reflect" ? 1 : 0; // whether the outermost number is left out of the mirror image
    return (paddings as readonly (readonly [number, number])[]).reduce<Sym>((padding, [before, after], axis) => {
      if (before === 0 && after === 0) return padding;
      const size = x.shape[axis] ?? 1;
      const mirrored = Array.from({ length: before + size + after }, (_, i) => {
        const place = i - before;
        return place < 0 ? -place - 1 + edge : place >= size ? 2 * size - 1 - place - edge : place;
      });
      return gathered(graph, padding, mirrored, axis);
    }, x);
  },
  SpaceToBatchND: (graph, inputs, { blockShape, paddings }) => {
    const x = input(inputs, "x");
    const block = blockShape as readonly number[];
    const rest = x.shape.slice(block.length + 1);
    const wide = padded(graph, x, [
      [0, 0],
      ...(paddings as [number, number][]),
      ...rest.map((): [number, number] => [0, 0]),
    ]);
    const sizes = block.map((size, axis) => (wide.shape[axis + 1] ?? 1) / size);
    const split = reshaped(graph, wide, [
      x.shape[0] ?? 1,
      ...block.flatMap((size, axis) => [sizes[axis] ?? 1, size]),
      ...rest,
    ]);
    const axes = identityOrder(block.length);
    const tail = identityOrder(rest.length).map((axis) => 2 * block.length + 1 + axis);
    const order = [...axes.map((axis) => 2 * axis + 2), 0, ...axes.map((axis) => 2 * axis + 1), ...tail];
    return reshaped(graph, transposed(split, order), [(x.shape[0] ?? 1) * sizeOf(block), ...sizes, ...rest]);
  },
  BatchToSpaceND: (graph, inputs, { blockShape, crops }) => {
    const x = input(inputs, "x");
    const block = blockShape as readonly number[];
    const batch = (x.shape[0] ?? 1) / sizeOf(block);
    const sizes = x.shape.slice(1, block.length + 1);
    const rest = x.shape.slice(block.length + 1);
    const axes = identityOrder(block.length);
    const split = reshaped(graph, x, [...block, batch, ...sizes, ...rest]);
    const tail = identityOrder(rest.length).map((axis) => 2 * block.length + 1 + axis);
    const order = [block.length, ...axes.flatMap((axis) => [block.length + 1 + axis, axis]), ...tail];
    const full = sizes.map((size, axis) => size * (block[axis] ?? 1));
    const joined = reshaped(graph, transposed(split, order), [batch, ...full, ...rest]);
    const cut = (crops as readonly (readonly [number, number])[]).map(([before, after], axis) => ({
      axis: axis + 1,
      start: before,
      step: 1,
      size: (full[axis] ?? 1) - before - after,
    }));
    return strided(graph, joined, cut);
  },
  DepthToSpace: (graph, inputs, { blockSize, dataFormat }) => {
    const first = dataFormat === "NCHW";
    const x = first ? transposed(input(inputs, "x"), [0, 2, 3, 1]) : input(inputs, "x");
    const block = blockSize as number;
    const [batch = 1, height = 1, width = 1, channels = 1] = x.shape;
    const depth = channels / block ** 2;
    const split = reshaped(graph, x, [batch, height, width, block, block, depth]);
    const spread = transposed(split, [0, 1, 3, 2, 4, 5]);
    const joined = reshaped(graph, spread, [batch, height * block, width * block, depth]);
    return first ? transposed(joined, [0, 3, 1, 2]) : joined;
  },
  Diag: (graph, inputs) => {
    const x = input(inputs, "x");
    const size = sizeOf(x.shape);
    const eye = Uint8Array.from({ length: size * size }, (_, i) => Number(i % (size + 1) === 0));
    const diagonal = plain(graph.constant(eye, [size, size]));
    const row = reshaped(graph, x, [1, size]);
    return reshaped(graph, choose(graph, diagonal, row, scalar(graph, 0, x.value.type)), [...x.shape, ...x.shape]);
  },
  FlipLeftRight: (graph, inputs) => reversed(graph, input(inputs, "image"), [2]),
};
