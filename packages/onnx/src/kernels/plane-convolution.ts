import { sizeOf, UnsupportedOpError } from "@plseg/core";
import type { Graph, Value } from "../graph.js";
import { joined, planesOf, spans, spansOf } from "../pieces.js";
import { materialize, PLANES_ORDER, plain, reshapeValue, type Sym } from "../symbol.js";
import type { Geometry } from "./geometry.js";
import { planeProduct } from "./plane-product.js";
import { concatenated, padded, sliceAxis } from "./shaping.js";

/*
 * A convolution of volumes as one of planes: each plane of the result is a two-dimensional convolution of the planes that
 * the kernel covers, their channels one after the other. Good for kernels of one tap along depth, and for few channels.
 */

const NONE = [0, 0] as const;

/** A convolution of stride 1. */
export function planeConvolution(graph: Graph, x: Sym, kernel: Sym, geometry: Geometry): Sym {
  const { batch, inChannels, outChannels, outSize, kernel: taps, before, after } = geometry;
  const [depth = 1, ...inPlane] = taps;
  const kernels = reshapeValue(graph, materialize(graph, kernel, [4, 0, 3, 1, 2]), [
    outChannels,
    depth * inChannels,
    ...inPlane,
  ]);
  const attributes = { kernel_shape: inPlane, pads: [...before.slice(1), ...after.slice(1)] };
  const shape = [batch, outSize[0] ?? 1, outChannels, ...outSize.slice(1)];
  const convolved = (images: Value): Value =>
    graph.node("Conv", [images, kernels], "float32", [images.shape[0] ?? 1, ...shape.slice(2)], attributes);
  const planes = graph.streamed ? stackedInPieces(graph, x, geometry) : [wholeStack(graph, x, geometry)];
  const results = planes.map((images) =>
    reshapeValue(graph, convolved(images), [1, images.shape[0] ?? 1, ...shape.slice(2)]),
  );
  const value = joined(graph, results, shape);
  return { shape: [batch, ...outSize, outChannels], value, order: PLANES_ORDER };
}

/** Gradient of {@link planeConvolution} with respect to its kernel. */
export function planeKernelGradient(graph: Graph, x: Sym, dy: Sym, geometry: Geometry): Sym {
  const { batch, inChannels, outChannels, outSize, kernel } = geometry;
  const planes = batch * (outSize[0] ?? 1);
  const images = plain(wholeStack(graph, x, geometry));
  const gradients = plain(
    reshapeValue(graph, materialize(graph, dy, PLANES_ORDER), [planes, outChannels, ...outSize.slice(1)]),
  );
  const copied = sizeOf(kernel) === 1 ? 0 : sizeOf(kernel) * inChannels + outChannels;
  const piece = Math.ceil(Math.min(planes, PIECE / (copied * sizeOf(outSize.slice(1)))));

  let axes: readonly number[] = [];
  let total: Value | undefined;
  for (let from = 0; from < planes; from += piece) {
    const count = Math.min(piece, planes - from);
    const [image, gradient] = [images, gradients].map((all) => sliceAxis(graph, all, 0, from, count).value);
    const next = planeProduct(graph, image as Value, gradient as Value, geometry);
    const shape = next.value.shape.slice(1);
    const sum = graph.node("ReduceSum", [next.value, graph.integers([0])], "float32", shape, { keepdims: 0 });
    axes = next.axes;
    total = total ? graph.node("Add", [total, sum], "float32", shape) : sum;
  }
  if (!total) throw new UnsupportedOpError("trace: a convolution over an empty batch has no gradient.");
  const shape = [...kernel, inChannels, outChannels];
  const order = axes.flatMap((axis) => (axis === IN ? [0, IN] : [axis])); // the taps along depth are channels here
  const sizes = order.map((axis) => shape[axis] ?? 1);
  return { shape, value: reshapeValue(graph, total, sizes), order };
}

/** Place of the image's channels among the axes of a kernel. */
const IN = 3;

/** Numbers in the moved copies that are multiplied at once: 8 MiB. */
const PIECE = 2 ** 21;

/** For each plane of the result the planes that the kernel covers: `[batch · depth, taps · channel, height, width]`. */
function wholeStack(graph: Graph, x: Sym, geometry: Geometry): Value {
  const { batch, inChannels, inSize, outSize, kernel } = geometry;
  const [taps, outDepth] = [kernel[0] ?? 1, outSize[0] ?? 1];
  const volume = plain(withMargins(graph, x, geometry));
  const parts = Array.from({ length: taps }, (_, tap) => sliceAxis(graph, volume, 1, tap, outDepth));
  const shape = [batch * outDepth, taps * inChannels, ...inSize.slice(1)];
  return reshapeValue(graph, concatenated(graph, parts, 2).value, shape);
}

/** The same, a few planes of the result at a time. */
function stackedInPieces(graph: Graph, x: Sym, geometry: Geometry): Value[] {
  const { batch, inChannels, inSize, outSize, kernel } = geometry;
  const [taps, outDepth] = [kernel[0] ?? 1, outSize[0] ?? 1];
  const volume = withMargins(graph, x, geometry);
  const depth = volume.shape[1] ?? 1;
  const rest = [inChannels, ...inSize.slice(1)];
  return (taps === 1 ? spansOf(graph, volume) : spans(batch, outDepth)).map(({ from, count }) => {
    const first = Math.floor(from / outDepth) * depth + (from % outDepth);
    const parts = Array.from({ length: taps }, (_, tap) => plain(planesOf(graph, volume, first + tap, count, rest)));
    return concatenated(graph, parts, 1).value;
  });
}

/** The image with the zeros around it along depth, `[batch, depth, channel, height, width]`. */
function withMargins(graph: Graph, x: Sym, { before, after }: Geometry): Value {
  const margin = [before[0] ?? 0, after[0] ?? 0] as const;
  const image = materialize(graph, x, PLANES_ORDER);
  if (margin.every((size) => size === 0)) return image;
  return padded(graph, plain(image), [NONE, margin, NONE, NONE, NONE]).value;
}
