import { sizeOf, UnsupportedOpError } from "@plseg/core";
import { backend_util } from "@tensorflow/tfjs-core";
import type { Graph, Value } from "../graph.js";
import {
  channelsFirstOrder,
  identityOrder,
  kernelOrder,
  materialize,
  plain,
  reshaped,
  reshapeValue,
  type Sym,
  transposed,
} from "../symbol.js";
import type { Geometry } from "./geometry.js";
import { input, type KernelAttributes, type KernelTable } from "./kernel.js";
import { planeConvolution, planeKernelGradient } from "./plane-convolution.js";
import { concatenated, padded, reversed, sliceAxis } from "./shaping.js";
import { WINOGRAD_TAPS, winogradConvolution, winogradKernelGradient } from "./winograd.js";

/** No padding along an axis. */
const NONE = [0, 0] as const;

/** Voxels between the first and the last that a kernel touches. */
const span = ({ kernel, dilations }: Pick<Geometry, "kernel" | "dilations">, axis: number): number =>
  ((kernel[axis] ?? 1) - 1) * (dilations[axis] ?? 1);

function geometry(
  op: string,
  imageShape: readonly number[],
  kernelShape: readonly number[],
  attributes: KernelAttributes,
): Geometry {
  const { strides, pad, dilations, dataFormat } = attributes;
  if (dataFormat !== undefined && dataFormat !== "NDHWC")
    throw new UnsupportedOpError(`trace: ${op} wants dataFormat NDHWC, got ${String(dataFormat)}.`);
  const info = backend_util.computeConv3DInfo(
    imageShape as [number, number, number, number, number],
    kernelShape as [number, number, number, number, number],
    strides as number | [number, number, number],
    (dilations ?? 1) as number | [number, number, number],
    pad as "valid" | "same",
  );
  const { front, back, top, bottom, left, right } = info.padInfo;
  return {
    batch: info.batchSize,
    inChannels: info.inChannels,
    outChannels: info.outChannels,
    inSize: [info.inDepth, info.inHeight, info.inWidth],
    outSize: [info.outDepth, info.outHeight, info.outWidth],
    kernel: [info.filterDepth, info.filterHeight, info.filterWidth],
    strides: [info.strideDepth, info.strideHeight, info.strideWidth],
    dilations: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
    before: [front, top, left],
    after: [back, bottom, right],
  };
}

/** A channels-first value as the function sees it: `[batch, ...spatial, channel]`. */
const image = (value: Value): Sym => {
  const [batch = 1, channels = 1, ...spatial] = value.shape;
  return { shape: [batch, ...spatial, channels], value, order: channelsFirstOrder(value.shape.length) };
};

/** A convolution of a channels-first image; each of `group` parts of the channels has its own kernels. */
export function convolve(
  graph: Graph,
  x: Value,
  kernel: Value,
  { outSize, strides, dilations, before, after, batch }: Omit<Geometry, "kernel">,
  group = 1,
): Sym {
  const shape = [batch, kernel.shape[0] ?? 1, ...outSize];
  const dilated = dilations.some((dilation) => dilation !== 1);
  const attributes = {
    kernel_shape: kernel.shape.slice(2),
    strides,
    pads: [...before, ...after],
    ...(dilated && { dilations }),
    ...(group > 1 && { group }),
  };
  return image(graph.node("Conv", [x, kernel], "float32", shape, attributes));
}

/** The gradient with `stride − 1` zeros between its voxels, as if the convolution had had stride 1. */
export function unstrided(graph: Graph, dy: Sym, geometry: Geometry): Value {
  const { strides, inSize, before, after, batch, outChannels } = geometry;
  const value = materialize(graph, dy, channelsFirstOrder(dy.shape.length));
  if (strides.every((stride) => stride === 1)) return value;
  const sizes = value.shape.slice(2);
  const apart = plain(reshapeValue(graph, value, [batch * outChannels, ...sizes.flatMap((size) => [size, 1])]));
  const zeros = padded(graph, apart, [NONE, ...strides.flatMap((stride) => [NONE, [0, stride - 1] as const])]);
  const wide = sizes.map((size, axis) => size * (strides[axis] ?? 1));
  const spread = plain(reshapeValue(graph, zeros.value, [batch, outChannels, ...wide]));
  const change = inSize.map((size, axis) => {
    const unstridedSize = size + (before[axis] ?? 0) + (after[axis] ?? 0) - span(geometry, axis);
    return [0, unstridedSize - (wide[axis] ?? 1)] as const; // negative: zeros too many at the end
  });
  return padded(graph, spread, [NONE, NONE, ...change]).value;
}

/** Gradient of a convolution with respect to its image: a convolution with the kernel turned round and its channels swapped. */
export function imageGradient(graph: Graph, dy: Sym, kernel: Sym, geometry: Geometry): Sym {
  const turned = turnedGeometry(geometry);
  const cut = turned.before.map((size, axis) => [Math.min(size, 0), Math.min(turned.after[axis] ?? 0, 0)] as const);
  const spread = padded(graph, plain(unstrided(graph, dy, geometry)), [NONE, NONE, ...cut]); // where the padding was wide
  const value = materialize(graph, turnedKernel(graph, kernel), kernelOrder(kernel.shape.length));
  return convolve(graph, spread.value, value, {
    ...turned,
    before: turned.before.map((size) => Math.max(size, 0)),
    after: turned.after.map((size) => Math.max(size, 0)),
  });
}

/** The kernel of the convolution that is the gradient with respect to the image. */
function turnedKernel(graph: Graph, kernel: Sym): Sym {
  const rank = kernel.shape.length;
  const axes = identityOrder(rank - 2);
  return transposed(reversed(graph, kernel, axes), [...axes, rank - 1, rank - 2]);
}

/** The convolution of stride 1 that is the gradient with respect to the image. Its margins may be negative. */
function turnedGeometry(geometry: Geometry): Geometry {
  const { inChannels, outChannels, inSize, outSize, strides, before, after } = geometry;
  return {
    ...geometry,
    inChannels: outChannels,
    outChannels: inChannels,
    inSize: outSize,
    outSize: inSize,
    strides: strides.map(() => 1),
    before: before.map((size, axis) => span(geometry, axis) - size),
    after: after.map((size, axis) => span(geometry, axis) - size),
  };
}

/**
 * Gradient of a convolution with respect to its kernel, `dW[k] = Σ_v x[v + k] · dy[v]`, as one matrix product per item.
 *
 * On a padded grid laid flat, moving by a kernel offset is moving along one axis. An offset splits into a part applied to
 * the image and a part applied (backwards) to the gradient, so instead of 27 shifted images it takes, say, 3 shifted images
 * and 9 shifted gradients: less copying, and a large product instead of many thin ones. Long rows are worked off in
 * pieces that stay in a processor's cache; their products add up.
 */
export function kernelGradient(graph: Graph, x: Sym, dy: Sym, shape: Geometry): Sym {
  const { batch, inChannels, outChannels, kernel, dilations, before, after, inSize } = shape;
  const grid = inSize.map((size, axis) => size + (before[axis] ?? 0) + (after[axis] ?? 0));
  const voxels = sizeOf(grid);
  const steps = grid.map((_, axis) => sizeOf(grid.slice(axis + 1)));
  const jumps = steps.map((step, axis) => step * (dilations[axis] ?? 1));
  const split = cheapestSplit(kernel, inChannels, outChannels);
  const reach = (axes: readonly number[]): number =>
    axes.reduce((total, axis) => total + span(shape, axis) * (steps[axis] ?? 1), 0);
  const planes = Math.ceil(reach(split.gradient) / (steps[0] ?? 1));
  const front = planes * (steps[0] ?? 1);
  const length = voxels - reach(split.image);

  const wide = padded(graph, plain(materialize(graph, x, channelsFirstOrder(x.shape.length))), [
    NONE,
    NONE,
    ...before.map((size, axis): [number, number] => [size, after[axis] ?? 0]),
  ]);
  const spread = plain(unstrided(graph, dy, shape));
  const late = padded(graph, spread, [
    NONE,
    NONE,
    ...spread.shape.slice(2).map((size, axis): [number, number] => [axis === 0 ? planes : 0, (grid[axis] ?? 1) - size]),
  ]);

  const piece = Math.ceil(
    PIECE / (taps(kernel, split.image) * inChannels + taps(kernel, split.gradient) * outChannels),
  );
  const shifted = (flat: Sym, axes: readonly number[], start: (offset: number) => number, size: number): Sym =>
    concatenated(
      graph,
      offsets(kernel, axes, jumps).map((offset) => sliceAxis(graph, flat, 1, start(offset), size)),
      0,
    );
  let product: Value | undefined;
  for (let item = 0; item < batch; item++) {
    const flat = (symbol: Sym, channels: number): Sym =>
      reshaped(graph, sliceAxis(graph, symbol, 0, item, 1), [channels, sizeOf(symbol.shape.slice(2))]);
    const [flatImage, flatGradient] = [flat(wide, inChannels), flat(late, outChannels)];
    for (let from = 0; from < length; from += piece) {
      const size = Math.min(piece, length - from);
      const images = shifted(flatImage, split.image, (offset) => from + offset, size);
      const gradients = shifted(flatGradient, split.gradient, (offset) => from + front - offset, size);
      const sizes = [images.shape[0] ?? 1, gradients.shape[0] ?? 1];
      const operands = [images.value, gradients.value, ...(product ? [product] : [])];
      product = graph.node("Gemm", operands, "float32", sizes, { transB: 1 });
    }
  }
  if (!product) throw new UnsupportedOpError("trace: a convolution over an empty batch has no gradient.");
  const rank = kernel.length;
  const along = (axes: readonly number[]): number[] => axes.map((axis) => kernel[axis] ?? 1);
  const value = reshapeValue(graph, product, [
    ...along(split.image),
    inChannels,
    ...along(split.gradient),
    outChannels,
  ]);
  return {
    shape: [...kernel, inChannels, outChannels],
    value,
    order: [...split.image, rank, ...split.gradient, rank + 1],
  };
}

/** Numbers in the shifted copies that are multiplied at once: 8 MiB, about the cache of a core. */
const PIECE = 2 ** 21;

/** Number of kernel taps along some axes. */
const taps = (kernel: readonly number[], axes: readonly number[]): number =>
  sizeOf(axes.map((axis) => kernel[axis] ?? 1));

/** Which kernel axes shift the image and which the gradient, so that the fewest numbers are copied. */
function cheapestSplit(
  kernel: readonly number[],
  inChannels: number,
  outChannels: number,
): { image: number[]; gradient: number[] } {
  const axes = identityOrder(kernel.length);
  const choices = [...axes, axes.length].flatMap((count) => [
    { image: axes.slice(count), gradient: axes.slice(0, count) },
    { image: axes.slice(0, count), gradient: axes.slice(count) },
  ]);
  const cost = ({ image: a, gradient: b }: { image: number[]; gradient: number[] }): number =>
    taps(kernel, a) * inChannels + taps(kernel, b) * outChannels;
  return choices.reduce((best, choice) => (cost(choice) < cost(best) ? choice : best));
}

/** Flat offsets of all kernel taps along the given axes, last axis fastest. */
function offsets(kernel: readonly number[], axes: readonly number[], steps: readonly number[]): number[] {
  return axes.reduce<number[]>(
    (all, axis) =>
      all.flatMap((offset) => Array.from({ length: kernel[axis] ?? 1 }, (_, k) => offset + k * (steps[axis] ?? 1))),
    [0],
  );
}

/** How a convolution of volumes and the gradient with respect to its kernel are computed. */
interface Method {
  readonly convolution: (graph: Graph, x: Sym, kernel: Sym, geometry: Geometry) => Sym;
  readonly kernelGradient: (graph: Graph, x: Sym, dy: Sym, geometry: Geometry) => Sym;
}

const WHOLE_VOLUMES: Method = {
  convolution: (graph, x, kernel, geometry) =>
    convolve(graph, materialize(graph, x, channelsFirstOrder(5)), materialize(graph, kernel, kernelOrder(5)), geometry),
  kernelGradient,
};
const PLANES: Method = { convolution: planeConvolution, kernelGradient: planeKernelGradient };
const WINOGRAD: Method = { convolution: winogradConvolution, kernelGradient: winogradKernelGradient };

/** Up to so many channels three planes at a time are cheaper than Winograd's six factors. */
const FEW_CHANNELS = 4;

/** The fastest way for the target. The CPU has fast two-dimensional convolutions and products, and slow three-dimensional ones. */
function methodOf({ target }: Graph, { inChannels, kernel, strides, dilations, before, after }: Geometry): Method {
  const simple =
    [...strides, ...dilations].every((step) => step === 1) && [...before, ...after].every((size) => size >= 0);
  if (target !== "cpu" || !simple) return WHOLE_VOLUMES;
  const [depth] = kernel;
  if (depth === 1 || (inChannels <= FEW_CHANNELS && depth === WINOGRAD_TAPS)) return PLANES;
  return depth === WINOGRAD_TAPS ? WINOGRAD : WHOLE_VOLUMES;
}

/** Kernels of 3-D convolutions and their gradients. */
export const CONVOLUTION_KERNELS: KernelTable = {
  Conv3D: (graph, inputs, attributes) => {
    const [x, filter] = [input(inputs, "x"), input(inputs, "filter")];
    const shape = geometry("conv3d", x.shape, filter.shape, attributes);
    return methodOf(graph, shape).convolution(graph, x, filter, shape);
  },
  Conv3DBackpropInputV2: (graph, inputs, attributes) => {
    const [dy, filter] = [input(inputs, "dy"), input(inputs, "filter")];
    const shape = geometry("conv3d", attributes.inputShape as number[], filter.shape, attributes);
    const turned = turnedGeometry(shape);
    const method = methodOf(graph, { ...turned, strides: shape.strides });
    if (method === WHOLE_VOLUMES) return imageGradient(graph, dy, filter, shape);
    return method.convolution(graph, dy, turnedKernel(graph, filter), turned);
  },
  Conv3DBackpropFilterV2: (graph, inputs, attributes) => {
    const [x, dy] = [input(inputs, "x"), input(inputs, "dy")];
    const shape = geometry("conv3d", x.shape, attributes.filterShape as number[], attributes);
    return methodOf(graph, shape).kernelGradient(graph, x, dy, shape);
  },
};
