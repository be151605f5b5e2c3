import type { Graph } from "../graph.js";
import { channelsFirstOrder, materialize, plain, type Sym } from "../symbol.js";
import { float } from "./elementwise.js";
import { input, type KernelAttributes, type KernelTable } from "./kernel.js";
import { gathered } from "./shaping.js";

const ORDER = channelsFirstOrder(4);

/** Where pixel `i` of `to` lies among `from`. */
function source(i: number, from: number, to: number, { alignCorners, halfPixelCenters }: KernelAttributes): number {
  const scale = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  return halfPixelCenters ? (i + 0.5) * scale - 0.5 : i * scale;
}

/** Weights of the source pixels of each pixel along an axis, `[to][from]`. */
function linearWeights(from: number, to: number, attributes: KernelAttributes): number[][] {
  return Array.from({ length: to }, (_, i) => {
    const place = source(i, from, to, attributes);
    const low = Math.max(0, Math.floor(place));
    const high = Math.min(from - 1, Math.max(0, Math.ceil(place)));
    const row = new Array<number>(from).fill(0);
    row[low] = 1 - (place - low);
    row[high] = (row[high] ?? 0) + (place - low);
    return row;
  });
}

/** The source pixel of each pixel along an axis. */
function nearestPlaces(from: number, to: number, attributes: KernelAttributes): number[] {
  const { alignCorners, halfPixelCenters } = attributes;
  return Array.from({ length: to }, (_, i) => {
    const scale = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
    const place = halfPixelCenters ? scale * (i + 0.5) : scale * i;
    return Math.max(0, Math.min(from - 1, alignCorners ? Math.round(place) : Math.floor(place)));
  });
}

const nearestWeights = (from: number, to: number, attributes: KernelAttributes): number[][] =>
  nearestPlaces(from, to, attributes).map((place) => Array.from({ length: from }, (_, i) => Number(i === place)));

/** `rows · x · columnsᵀ` on height and width. */
function product(graph: Graph, x: Sym, rows: readonly number[][], columns: readonly number[][]): Sym {
  const matrix = (numbers: readonly number[][], transpose: boolean): Sym => {
    const [count, length] = [numbers.length, numbers[0]?.length ?? 0];
    const flat = transpose
      ? Array.from({ length: count * length }, (_, i) => numbers[i % count]?.[Math.floor(i / count)] ?? 0)
      : numbers.flat();
    return plain(graph.constant(Float32Array.from(flat), transpose ? [length, count] : [count, length]));
  };
  const [batch = 1, height = 1, width = 1, channels = 1] = x.shape;
  const value = materialize(graph, float(graph, x), ORDER);
  const wide = graph.node("MatMul", [value, matrix(columns, true).value], "float32", [
    batch,
    channels,
    height,
    columns.length,
  ]);
  const tall = graph.node("MatMul", [matrix(rows, false).value, wide], "float32", [
    batch,
    channels,
    rows.length,
    columns.length,
  ]);
  return width === 0 ? x : { shape: [batch, rows.length, columns.length, channels], value: tall, order: ORDER };
}

const turned = (matrix: readonly number[][]): number[][] =>
  (matrix[0] ?? []).map((_, column) => matrix.map((row) => row[column] ?? 0));

/** The gradient of a resize that is a product with matrices: the product with the matrices transposed. */
function gradient(
  graph: Graph,
  dy: Sym,
  images: Sym,
  attributes: KernelAttributes,
  weights: typeof linearWeights,
): Sym {
  const [, height = 1, width = 1] = images.shape;
  const [, tall = 1, wide = 1] = dy.shape;
  return product(graph, dy, turned(weights(height, tall, attributes)), turned(weights(width, wide, attributes)));
}

/** Kernels that resize pictures, and their gradients. */
export const IMAGE_RESIZE_KERNELS: KernelTable = {
  ResizeBilinear: (graph, inputs, attributes) => {
    const images = input(inputs, "images");
    const [tall, wide] = attributes.size as [number, number];
    const [, height = 1, width = 1] = images.shape;
    return product(graph, images, linearWeights(height, tall, attributes), linearWeights(width, wide, attributes));
  },
  ResizeBilinearGrad: (graph, inputs, attributes) =>
    gradient(graph, input(inputs, "dy"), input(inputs, "images"), attributes, linearWeights),
  ResizeNearestNeighbor: (graph, inputs, attributes) => {
    const images = input(inputs, "images");
    const [tall, wide] = attributes.size as [number, number];
    const [, height = 1, width = 1] = images.shape;
    const rows = gathered(graph, images, nearestPlaces(height, tall, attributes), 1);
    return gathered(graph, rows, nearestPlaces(width, wide, attributes), 2);
  },
  ResizeNearestNeighborGrad: (graph, inputs, attributes) =>
    gradient(graph, input(inputs, "dy"), input(inputs, "images"), attributes, nearestWeights),
};
