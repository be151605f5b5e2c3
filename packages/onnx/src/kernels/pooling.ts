import { UnsupportedOpError } from "@plseg/core";
import { backend_util } from "@tensorflow/tfjs-core";
import type { Graph, Value } from "../graph.js";
import { channelsFirstOrder, materialize, type Sym } from "../symbol.js";
import { input, type KernelAttributes, type KernelTable } from "./kernel.js";

const ORDER = channelsFirstOrder(5);

/** The largest value of each window and where it stands; of equal ones, the first in memory order. */
function maxPool(
  graph: Graph,
  x: Sym,
  attributes: KernelAttributes,
): { maxima: Sym; indices: Value; exclusive: boolean } {
  const { filterSize, strides, pad, dimRoundingMode } = attributes;
  const info = backend_util.computePool3DInfo(
    x.shape as [number, number, number, number, number],
    filterSize as number,
    strides as number,
    1,
    pad as "valid" | "same",
    dimRoundingMode as "floor",
  );
  const { front, back, top, bottom, left, right } = info.padInfo;
  const kernel = [info.filterDepth, info.filterHeight, info.filterWidth];
  const steps = [info.strideDepth, info.strideHeight, info.strideWidth];
  const outSize = [info.outDepth, info.outHeight, info.outWidth];
  const valueShape = [info.batchSize, info.outChannels, ...outSize];
  const [value, indices] = graph.multi(
    "MaxPool",
    [materialize(graph, x, ORDER)],
    [
      { type: "float32", shape: valueShape },
      { type: "int64", shape: valueShape },
    ],
    { kernel_shape: kernel, strides: steps, pads: [front, top, left, back, bottom, right] },
  ) as [Value, Value];
  const exclusive = kernel.every((size, axis) => size <= (steps[axis] ?? 1));
  return { maxima: { shape: [info.batchSize, ...outSize, info.outChannels], value, order: ORDER }, indices, exclusive };
}

/** Kernels of 3-D pooling and its gradient. */
export const POOLING_KERNELS: KernelTable = {
  MaxPool3D: (graph, inputs, attributes) => maxPool(graph, input(inputs, "x"), attributes).maxima,
  MaxPool3DGrad: (graph, inputs, attributes) => {
    const [dy, x] = [input(inputs, "dy"), input(inputs, "input")];
    const { indices, exclusive } = maxPool(graph, x, attributes);
    if (!exclusive)
      throw new UnsupportedOpError(
        "trace: the gradient of maxPool3d with overlapping windows is not supported. Use strides that are at least the window's size.",
      );
    const shape = ORDER.map((axis) => x.shape[axis] ?? 1);
    const sizes = [materialize(graph, dy, ORDER), indices, graph.integers(shape)];
    // the indices alone say where each number goes, so the windows that they came from need not be described
    const value = graph.node("MaxUnpool", sizes, "float32", shape, { kernel_shape: [1, 1, 1], strides: [1, 1, 1] });
    return { shape: x.shape, value, order: ORDER };
  },
};
