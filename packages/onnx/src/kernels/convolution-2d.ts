import { backend_util } from "@tensorflow/tfjs-core";
import type { Graph, Value } from "../graph.js";
import {
  channelsFirstOrder,
  kernelOrder,
  materialize,
  plain,
  reshaped,
  reshapeValue,
  type Sym,
  transposed,
} from "../symbol.js";
import { withBiasAndActivation } from "./activation.js";
import { convolve, imageGradient, kernelGradient, unstrided } from "./convolution.js";
import type { Geometry } from "./geometry.js";
import { input, type KernelAttributes, type KernelTable } from "./kernel.js";
import { concatenated, padded, reversed, strided } from "./shaping.js";
import { planeGeometry } from "./windows.js";

type Quadruple = [number, number, number, number];

const IMAGE_ORDER = channelsFirstOrder(4);
const KERNEL_ORDER = kernelOrder(4);

/** `[batch, channel, height, width]` seen as `[batch, height, width, channel]`, if that is how tfjs gives it. */
const channelsLast = (x: Sym, { dataFormat }: KernelAttributes): Sym =>
  dataFormat === "NCHW" ? transposed(x, [0, 2, 3, 1]) : x;

/** What {@link channelsLast} did, undone. */
const asGiven = (x: Sym, { dataFormat }: KernelAttributes): Sym =>
  dataFormat === "NCHW" ? transposed(x, [0, 3, 1, 2]) : x;

/** A bias or weights of an activation, one for each channel, so that they broadcast over what tfjs sees. */
const perChannel = (graph: Graph, x: Sym | undefined, { dataFormat }: KernelAttributes): Sym | undefined =>
  x && dataFormat === "NCHW" && x.shape.length === 1 ? reshaped(graph, x, [...x.shape, 1, 1]) : x;

function geometry(
  imageShape: readonly number[],
  kernelShape: readonly number[],
  attributes: KernelAttributes,
  depthwise = false,
): Geometry {
  const { strides, pad, dilations, dataFormat, dimRoundingMode } = attributes;
  const info = backend_util.computeConv2DInfo(
    imageShape as Quadruple,
    kernelShape as Quadruple,
    strides as number | [number, number],
    (dilations ?? 1) as number | [number, number],
    pad as "valid" | "same" | number,
    dimRoundingMode as "floor" | undefined,
    depthwise,
    dataFormat === "NCHW" ? "channelsFirst" : "channelsLast",
  );
  return planeGeometry(info);
}

function conv2d(graph: Graph, x: Sym, filter: Sym, attributes: KernelAttributes): Sym {
  const shape = geometry(x.shape, filter.shape, attributes);
  const image = materialize(graph, channelsLast(x, attributes), IMAGE_ORDER);
  return asGiven(convolve(graph, image, materialize(graph, filter, KERNEL_ORDER), shape), attributes);
}

/** Kernels `[height, width, channel, multiplier]` as ONNX wants them: `[group · out, in, height, width]` of each group. */
function groupedKernel(graph: Graph, filter: Sym, shape: readonly number[]): Value {
  return reshapeValue(graph, materialize(graph, filter, [2, 3, 0, 1]), shape);
}

function depthwise(graph: Graph, x: Sym, filter: Sym, attributes: KernelAttributes): Sym {
  const shape = geometry(x.shape, filter.shape, attributes, true);
  const image = materialize(graph, channelsLast(x, attributes), IMAGE_ORDER);
  const kernel = groupedKernel(graph, filter, [shape.outChannels, 1, ...shape.kernel]);
  return asGiven(convolve(graph, image, kernel, shape, shape.inChannels), attributes);
}

/** Gradient of a depthwise convolution with respect to its image: each channel gathers what its own kernels spread. */
function depthwiseImageGradient(graph: Graph, dy: Sym, filter: Sym, shape: Geometry): Sym {
  const multiplier = shape.outChannels / shape.inChannels;
  const reach = shape.kernel.map((size, axis) => (size - 1) * (shape.dilations[axis] ?? 1));
  const before = reach.map((size, axis) => size - (shape.before[axis] ?? 0));
  const after = reach.map((size, axis) => size - (shape.after[axis] ?? 0));
  const cut = reach.map((_, axis) => [Math.min(before[axis] ?? 0, 0), Math.min(after[axis] ?? 0, 0)] as const);
  const spread = padded(graph, plain(unstrided(graph, dy, shape)), [[0, 0], [0, 0], ...cut]);
  const turned = reversed(graph, filter, [0, 1]);
  const kernel = groupedKernel(graph, turned, [shape.inChannels, multiplier, ...shape.kernel]);
  const backwards = {
    ...shape,
    outSize: shape.inSize,
    strides: [1, 1],
    before: before.map((size) => Math.max(size, 0)),
    after: after.map((size) => Math.max(size, 0)),
  };
  return convolve(graph, spread.value, kernel, backwards, shape.inChannels);
}

/**
 * Gradient of a depthwise convolution with respect to its kernel. For each item and channel a matrix of the image as each
 * tap sees it, `[taps, voxels]`, times the gradients of the channel, `[voxels, multiplier]`; summed over the items.
 */
function depthwiseKernelGradient(graph: Graph, x: Sym, dy: Sym, shape: Geometry): Sym {
  const { batch, inChannels, outChannels, outSize, kernel, strides, dilations, before, after } = shape;
  const multiplier = outChannels / inChannels;
  const [voxels, taps] = [(outSize[0] ?? 1) * (outSize[1] ?? 1), (kernel[0] ?? 1) * (kernel[1] ?? 1)];
  const wide = padded(graph, plain(materialize(graph, x, IMAGE_ORDER)), [
    [0, 0],
    [0, 0],
    ...before.map((size, axis): [number, number] => [size, after[axis] ?? 0]),
  ]);
  const seen = Array.from({ length: taps }, (_, tap) => {
    const place = [Math.floor(tap / (kernel[1] ?? 1)), tap % (kernel[1] ?? 1)];
    const part = strided(
      graph,
      wide,
      outSize.map((size, axis) => ({
        axis: axis + 2,
        start: (place[axis] ?? 0) * (dilations[axis] ?? 1),
        step: strides[axis] ?? 1,
        size,
      })),
    );
    return reshaped(graph, part, [batch, inChannels, 1, voxels]);
  });
  const images = materialize(graph, concatenated(graph, seen, 2));
  const gradients = reshapeValue(graph, materialize(graph, dy, IMAGE_ORDER), [batch, inChannels, multiplier, voxels]);
  const across = materialize(graph, transposed(plain(gradients), [0, 1, 3, 2]));
  const products = graph.node("MatMul", [images, across], "float32", [batch, inChannels, taps, multiplier]);
  const sizes = [inChannels, taps, multiplier];
  const total = graph.node("ReduceSum", [products, graph.integers([0])], "float32", sizes, { keepdims: 0 });
  return reshaped(graph, transposed(plain(total), [1, 0, 2]), [...kernel, inChannels, multiplier]);
}

/** Kernels of 2-D and depthwise 2-D convolutions and their gradients. 1-D ones come as 2-D. */
export const CONVOLUTION_2D_KERNELS: KernelTable = {
  Conv2D: (graph, inputs, attributes) => conv2d(graph, input(inputs, "x"), input(inputs, "filter"), attributes),
  FusedConv2D: (graph, inputs, attributes) => {
    const product = conv2d(graph, input(inputs, "x"), input(inputs, "filter"), attributes);
    const bias = perChannel(graph, inputs.bias, attributes);
    const weights = perChannel(graph, inputs.preluActivationWeights, attributes);
    return withBiasAndActivation(graph, product, bias, weights, attributes);
  },
  Conv2DBackpropInput: (graph, inputs, attributes) => {
    const [dy, filter] = [input(inputs, "dy"), input(inputs, "filter")];
    const shape = geometry(attributes.inputShape as number[], filter.shape, attributes);
    const upstream = channelsLast(dy, attributes);
    const seen = shape.outSize.map((size, axis) => ({ axis: axis + 1, start: 0, step: 1, size })); // tfjs ignores what is more
    return asGiven(imageGradient(graph, strided(graph, upstream, seen), filter, shape), attributes);
  },
  Conv2DBackpropFilter: (graph, inputs, attributes) => {
    const [x, dy] = [input(inputs, "x"), input(inputs, "dy")];
    const shape = geometry(x.shape, attributes.filterShape as number[], attributes);
    return kernelGradient(graph, channelsLast(x, attributes), channelsLast(dy, attributes), shape);
  },
  DepthwiseConv2dNative: (graph, inputs, attributes) =>
    depthwise(graph, input(inputs, "x"), input(inputs, "filter"), attributes),
  FusedDepthwiseConv2D: (graph, inputs, attributes) => {
    const product = depthwise(graph, input(inputs, "x"), input(inputs, "filter"), attributes);
    const { bias, preluActivationWeights } = inputs;
    return withBiasAndActivation(graph, product, bias, preluActivationWeights, attributes);
  },
  DepthwiseConv2dNativeBackpropInput: (graph, inputs, attributes) => {
    const [dy, filter] = [input(inputs, "dy"), input(inputs, "filter")];
    const shape = geometry(attributes.inputShape as number[], filter.shape, attributes, true);
    return depthwiseImageGradient(graph, dy, filter, shape);
  },
  DepthwiseConv2dNativeBackpropFilter: (graph, inputs, attributes) => {
    const [x, dy] = [input(inputs, "x"), input(inputs, "dy")];
    const shape = geometry(x.shape, attributes.filterShape as number[], attributes, true);
    return depthwiseKernelGradient(graph, x, dy, shape);
  },
};
