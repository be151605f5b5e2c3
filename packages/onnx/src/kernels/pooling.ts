import { sizeOf, UnsupportedOpError } from "@plseg/core";
import { backend_util } from "@tensorflow/tfjs-core";
import type { Graph, Value } from "../graph.js";
import { channelsFirstOrder, materialize, plain, reshapeValue, type Sym, transposed } from "../symbol.js";
import { castTo, elementwise, scalar } from "./elementwise.js";
import { input, type KernelAttributes, type KernelTable } from "./kernel.js";
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

/** The largest value of each window and, for the CPU, where it stands; of equal ones, the first in memory order. */
function maxPool(graph: Graph, x: Sym, { valueShape, window, strides, before, after }: Geometry): readonly Value[] {
  const outputs = [
    { type: "float32", shape: valueShape },
    { type: "int64", shape: valueShape },
  ] as const;
  const attributes = { kernel_shape: window, strides, pads: [...before, ...after] };
  const count = graph.target === "gpu" ? 1 : 2; // WebGPU has the values only
  return graph.multi("MaxPool", [materialize(graph, x, ORDER)], outputs.slice(0, count), attributes);
}

/** Each number of `dy` at the place from which the largest of its window came. */
function unpooled(graph: Graph, dy: Sym, indices: Value, shape: readonly number[]): Value {
  const inputs = [materialize(graph, dy, ORDER), indices, graph.integers(shape)];
  // the indices alone say where each number goes, so the windows that they came from need not be described
  return graph.node("MaxUnpool", inputs, "float32", shape, { kernel_shape: [1, 1, 1], strides: [1, 1, 1] });
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
    const [batch = 1, channels = 1, ...sizes] = shape.valueShape;
    const [value] = maxPool(graph, x, shape);
    return { shape: [batch, ...sizes, channels], value: value as Value, order: ORDER };
  },
  MaxPool3DGrad: (graph, inputs, attributes) => {
    const [dy, x] = [input(inputs, "dy"), input(inputs, "input")];
    const shape = geometry(x, attributes);
    if (shape.window.some((size, axis) => size > (shape.strides[axis] ?? 1)))
      throw new UnsupportedOpError(
        "trace: the gradient of maxPool3d with overlapping windows is not supported. Use strides that are at least the window's size.",
      );
    if (graph.target === "gpu") return { shape: x.shape, value: compared(graph, dy, x, shape), order: ORDER };
    const [, indices] = maxPool(graph, x, shape);
    const sizes = ORDER.map((axis) => x.shape[axis] ?? 1);
    return { shape: x.shape, value: unpooled(graph, dy, indices as Value, sizes), order: ORDER };
  },
};
