import { sizeOf } from "@plseg/core";
import { backend_util } from "@tensorflow/tfjs-core";
import type { Graph, Value } from "../graph.js";
import { joined } from "../pieces.js";
import { channelsFirstOrder, materialize, PLANES_ORDER, plain, reshapeValue, type Sym, transposed } from "../symbol.js";
import { castTo, elementwise, scalar } from "./elementwise.js";
import { input, type KernelAttributes, type KernelTable } from "./kernel.js";
import { maxPoolGradient } from "./pooling-2d.js";
import { padded } from "./shaping.js";

const ORDER = channelsFirstOrder(5);

/** What is put before and after along an axis. */
type Margin = readonly [number, number];
const NONE: Margin = [0, 0];

/** The least number there is: what stands around an image is never the largest of a window. */
const LEAST = -(2 - 2 ** -23) * 2 ** 127;

/** The numbers that describe one 3-D pooling. Sizes per spatial axis: depth, height, width. */
interface Geometry {
  /** Of the result, `[batch, channel, ...spatial]`. */
  readonly valueShape: readonly number[];
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

function geometry(x: Sym, { filterSize, strides, pad, dimRoundingMode }: KernelAttributes): Geometry {
  const info = backend_util.computePool3DInfo(
    x.shape as [number, number, number, number, number],
    filterSize as number,
    strides as number,
    1,
    pad as "valid" | "same",
    dimRoundingMode as "floor",
  );
  const { front, back, top, bottom, left, right } = info.padInfo;
  return {
    valueShape: [info.batchSize, info.outChannels, info.outDepth, info.outHeight, info.outWidth],
    window: [info.filterDepth, info.filterHeight, info.filterWidth],
    strides: [info.strideDepth, info.strideHeight, info.strideWidth],
    before: [front, top, left],
    after: [back, bottom, right],
  };
}

/** How the CPU pools: what lies in memory, seen in a shape in which windows are found, and the shape of the result. */
interface View {
  readonly order: readonly number[];
  readonly inShape: readonly number[];
  readonly outShape: readonly number[];
  /** The shape of the result with its axes in that order. */
  readonly resultShape: readonly number[];
}

/**
 * Windows that tile the image are found in it as convolutions leave it, plane after plane: those of all channels at once, as
 * if they stood below one another in one high plane, and every layer of windows by itself.
 */
function viewOf({ target }: Graph, x: Sym, { valueShape, window, strides }: Geometry): View {
  const [batch = 1, channels = 1, ...counts] = valueShape;
  const inSize = x.shape.slice(1, 4);
  const tiled = window.every((size, axis) => size === strides[axis] && size * (counts[axis] ?? 0) === inSize[axis]);
  if (target === "gpu" || !tiled)
    return { order: ORDER, inShape: [batch, channels, ...inSize], outShape: valueShape, resultShape: valueShape };
  const [depth = 1, height = 1, width = 1] = counts;
  const [, rows = 1, columns = 1] = inSize;
  return {
    order: PLANES_ORDER,
    inShape: [batch * depth, 1, window[0] ?? 1, channels * rows, columns],
    outShape: [batch * depth, 1, 1, channels * height, width],
    resultShape: [batch, depth, channels, height, width],
  };
}

/** The largest value of each window and where it stands; of equal ones, the first in memory order. */
function maxPool(graph: Graph, x: Sym, { order, inShape, outShape }: View, geometry: Geometry): readonly Value[] {
  const { window, strides, before, after } = geometry;
  const outputs = [
    { type: "float32", shape: outShape },
    { type: "int64", shape: outShape },
  ] as const;
  const attributes = { kernel_shape: window, strides, pads: [...before, ...after] };
  const count = graph.target === "gpu" ? 1 : 2; // WebGPU has the values only
  const image = reshapeValue(graph, materialize(graph, x, order), inShape);
  return graph.multi("MaxPool", [image], outputs.slice(0, count), attributes);
}

/** The same, piece by piece, of a volume whose pieces are whole layers of windows. */
function inPieces(graph: Graph, x: Sym, { order, resultShape }: View, { window }: Geometry): Value | undefined {
  const pieces = graph.pieces.get(materialize(graph, x, order).name);
  const [layer = 1] = window;
  if (!pieces?.every((piece) => (piece.shape[1] ?? 1) % layer === 0)) return undefined;
  const [, , channels = 1, height = 1, width = 1] = resultShape;
  const results = pieces.map((piece) => {
    const [, planes = 1, , rows = 1, columns = 1] = piece.shape;
    const layers = planes / layer;
    const image = reshapeValue(graph, piece, [layers, 1, layer, channels * rows, columns]);
    const attributes = { kernel_shape: window, strides: window, pads: [0, 0, 0, 0, 0, 0] };
    const largest = graph.node("MaxPool", [image], "float32", [layers, 1, 1, channels * height, width], attributes);
    return reshapeValue(graph, largest, [1, layers, channels, height, width]);
  });
  return joined(graph, results, resultShape);
}

/** Each number of `dy` at the place from which the largest of its window came. */
function unpooled(graph: Graph, dy: Sym, indices: Value, { order, inShape, outShape }: View): Value {
  const inputs = [reshapeValue(graph, materialize(graph, dy, order), outShape), indices, graph.integers(inShape)];
  // the indices alone say where each number goes, so the windows that they came from need not be described
  return graph.node("MaxUnpool", inputs, "float32", inShape, { kernel_shape: [1, 1, 1], strides: [1, 1, 1] });
}

/**
 * The same without indices, which WebGPU does not give: every window is laid out as a row, its numbers are compared with
 * the largest, and of those that are equal the first is taken, the one that has none before it.
 */
function compared(graph: Graph, dy: Sym, x: Sym, { valueShape, window, strides, before }: Geometry): Value {
  const [batch = 1, channels = 1, ...counts] = valueShape;
  const image = plain(materialize(graph, x, ORDER));
  // as many whole strides as there are windows; a negative count cuts off what no window sees
  const margins = counts.map((count, axis): Margin => {
    const front = before[axis] ?? 0;
    return [front, count * (strides[axis] ?? 1) - front - (image.shape[2 + axis] ?? 1)];
  });
  const tiles = counts.flatMap((count, axis) => [count, strides[axis] ?? 1]);
  const unseen = window.map((size, axis): Margin => [0, size - (strides[axis] ?? 1)]);

  const whole = padded(graph, image, [NONE, NONE, ...margins], LEAST);
  const tiled = plain(reshapeValue(graph, whole.value, [batch * channels, ...tiles]));
  const apart = plain(materialize(graph, transposed(tiled, [0, 1, 3, 5, 2, 4, 6])));
  const windows = padded(graph, apart, [NONE, NONE, NONE, NONE, ...unseen]);
  const taps = sizeOf(window);
  const rows = plain(reshapeValue(graph, windows.value, [batch * channels * sizeOf(counts), taps]));
  const perRow = [rows.shape[0] ?? 1, 1];
  const largest = graph.node("ReduceMax", [rows.value], "float32", perRow, { axes: [1], keepdims: 1 });
  const equal = castTo(graph, elementwise(graph, "Equal", [rows, plain(largest)], "bool"), "float32");
  const earlier = graph.constant(
    Float32Array.from({ length: taps * taps }, (_, i) => Number(Math.floor(i / taps) < i % taps)),
    [taps, taps],
  );
  const equalBefore = plain(graph.node("MatMul", [equal.value, earlier], "float32", rows.shape));
  const first = elementwise(graph, "Equal", [equalBefore, scalar(graph, 0)], "bool");
  const upstream = plain(reshapeValue(graph, materialize(graph, dy, ORDER), perRow));
  const share = elementwise(graph, "Mul", [equal, upstream]);
  const shares = elementwise(graph, "Where", [first, share, scalar(graph, 0)], "float32");

  const back = (margin: Margin): Margin => [-margin[0], -margin[1]];
  const shareWindows = plain(reshapeValue(graph, shares.value, windows.shape));
  const strided = padded(graph, shareWindows, [NONE, NONE, NONE, NONE, ...unseen.map(back)]);
  const joined = materialize(graph, transposed(strided, [0, 1, 4, 2, 5, 3, 6]));
  return padded(graph, plain(reshapeValue(graph, joined, whole.shape)), [NONE, NONE, ...margins.map(back)]).value;
}

/** Kernels of 3-D pooling and its gradient. */
export const POOLING_KERNELS: KernelTable = {
  MaxPool3D: (graph, inputs, attributes) => {
    const x = input(inputs, "x");
    const shape = geometry(x, attributes);
    const view = viewOf(graph, x, shape);
    const [batch = 1, channels = 1, ...sizes] = shape.valueShape;
    const value =
      inPieces(graph, x, view, shape) ??
      reshapeValue(graph, maxPool(graph, x, view, shape)[0] as Value, view.resultShape);
    return { shape: [batch, ...sizes, channels], value, order: view.order };
  },
  MaxPool3DGrad: (graph, inputs, attributes) => {
    const [dy, x] = [input(inputs, "dy"), input(inputs, "input")];
    const shape = geometry(x, attributes);
    if (shape.window.some((size, axis) => size > (shape.strides[axis] ?? 1)))
      return maxPoolGradient(graph, dy, x, attributes);
    if (graph.target === "gpu") return { shape: x.shape, value: compared(graph, dy, x, shape), order: ORDER };
    const view = viewOf(graph, x, shape);
    const [, indices] = maxPool(graph, x, view, shape);
    const sizes = view.order.map((axis) => x.shape[axis] ?? 1);
    const value = reshapeValue(graph, unpooled(graph, dy, indices as Value, view), sizes);
    return { shape: x.shape, value, order: view.order };
  },
};
