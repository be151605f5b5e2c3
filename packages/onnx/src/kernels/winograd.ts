import { sizeOf, UnsupportedOpError } from "@plseg/core";
import type { Graph, Value } from "../graph.js";
import { joined, planesOf } from "../pieces.js";
import { materialize, PLANES_ORDER, plain, reshapeValue, type Sym } from "../symbol.js";
import type { Geometry } from "./geometry.js";
import { planeProduct } from "./plane-product.js";
import { sliceAxis } from "./shaping.js";

/*
 * Winograd's minimal filtering F(4, 3) along depth: four planes of a convolution with three taps from six products instead
 * of twelve,
 *
 *     y = Aᵀ[(G w) ∘ (Bᵀ x)]        x six planes   w three taps   y four planes
 *
 * where ∘ convolves each of the six planes with a kernel of its own, in the plane. A plane, all channels of it, is one row
 * of a matrix, so the transforms are products with small constant matrices, and a tile of four planes stays in a
 * processor's cache. Interpolation is at 0, ±1, ±2 and infinity.
 *
 * The gradient of the kernel comes from the same identity, again with six products for twelve:
 *
 *     dw = Gᵀ Σ (A dy) ⋆ (Bᵀ x)     over tiles      ⋆: see planeProduct
 *
 * Lavin & Gray, CVPR 2016, https://arxiv.org/abs/1509.09308.
 */

/** Planes that a tile computes. */
const TILE = 4;
/** Products that it takes, and planes of the image that it depends on. */
const PRODUCTS = 6;
/** Taps along depth of the kernels that this is for. */
export const WINOGRAD_TAPS = 3;

/** Bᵀ: planes of the image into factors. */
const IMAGE = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];

/** G: taps of the kernel into factors. */
const KERNEL = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];

/** A: planes of the result's gradient into factors. */
const RESULT = [
  [1, 0, 0, 0],
  [1, 1, 1, 1],
  [1, -1, 1, -1],
  [1, 2, 4, 8],
  [1, -2, 4, -8],
  [0, 0, 0, 1],
];

/** A convolution of stride 1 with three taps along depth. */
export function winogradConvolution(graph: Graph, x: Sym, kernel: Sym, geometry: Geometry): Sym {
  const { batch, inChannels, outChannels, inSize, outSize, kernel: taps, before, after } = geometry;
  const [, ...inPlane] = inSize;
  const [outDepth = 1, ...outPlane] = outSize;
  const volume = materialize(graph, x, PLANES_ORDER);
  const byTap = materialize(graph, kernel, [0, 4, 3, 1, 2]); // [depth, out, in, height, width]
  const flat = reshapeValue(graph, byTap, [WINOGRAD_TAPS, sizeOf(byTap.shape.slice(1))]);
  const kernels = reshapeValue(graph, product(graph, KERNEL, flat), [
    PRODUCTS * outChannels,
    inChannels,
    ...taps.slice(1),
  ]);
  const attributes = {
    kernel_shape: taps.slice(1),
    pads: [...before.slice(1), ...after.slice(1)],
    group: PRODUCTS,
  };

  const results = tilesOf(geometry).map((tile) => {
    const slab = planesOf(graph, volume, tile.from, tile.planes, [inChannels * sizeOf(inPlane)]);
    const factors = reshapeValue(graph, product(graph, tile.image, slab), [1, PRODUCTS * inChannels, ...inPlane]);
    const shape = [1, PRODUCTS * outChannels, ...outPlane];
    const products = graph.node("Conv", [factors, kernels], "float32", shape, attributes);
    const flatProducts = reshapeValue(graph, products, [PRODUCTS, outChannels * sizeOf(outPlane)]);
    const planes = product(graph, columnsAsRows(tile.result), flatProducts);
    return reshapeValue(graph, planes, [1, tile.outPlanes, outChannels, ...outPlane]);
  });
  const value = joined(graph, results, [batch, outDepth, outChannels, ...outPlane]);
  return { shape: [batch, ...outSize, outChannels], value, order: PLANES_ORDER };
}

/** Gradient of {@link winogradConvolution} with respect to its kernel. */
export function winogradKernelGradient(graph: Graph, x: Sym, dy: Sym, geometry: Geometry): Sym {
  const { batch, inChannels, outChannels, inSize, outSize, kernel } = geometry;
  // not laid flat as for the convolution: its slabs would be taken for these, and kept from then until now
  const images = plain(
    reshapeValue(graph, materialize(graph, x, PLANES_ORDER), [
      batch * (inSize[0] ?? 1),
      inChannels,
      ...inSize.slice(1),
    ]),
  );
  const gradients = plain(
    reshapeValue(graph, materialize(graph, dy, PLANES_ORDER), [
      batch * (outSize[0] ?? 1),
      outChannels,
      ...outSize.slice(1),
    ]),
  );
  const factors = (matrix: Matrix, planes: Sym, from: number, count: number): Value => {
    const slab = sliceAxis(graph, planes, 0, from, count).value;
    const shape = slab.shape.slice(1);
    const flat = reshapeValue(graph, slab, [count, sizeOf(shape)]);
    return reshapeValue(graph, product(graph, matrix, flat), [PRODUCTS, ...shape]);
  };

  let axes: readonly number[] = [];
  let total: Value | undefined;
  for (const tile of tilesOf(geometry)) {
    const image = factors(tile.image, images, tile.from, tile.planes);
    const gradient = factors(tile.result, gradients, tile.outFrom, tile.outPlanes);
    const next = planeProduct(graph, image, gradient, geometry);
    axes = next.axes;
    total = total ? graph.node("Add", [total, next.value], "float32", total.shape) : next.value;
  }
  if (!total) throw new UnsupportedOpError("trace: a convolution over an empty batch has no gradient.");
  const flat = reshapeValue(graph, total, [PRODUCTS, sizeOf(total.shape.slice(1))]);
  const shape = [...kernel, inChannels, outChannels];
  const order = [0, ...axes];
  const value = reshapeValue(
    graph,
    product(graph, columnsAsRows(KERNEL), flat),
    order.map((axis) => shape[axis] ?? 1),
  );
  return { shape, value, order };
}

type Matrix = readonly (readonly number[])[];

/** A tile: up to four planes of the result and the planes of the image that they depend on. Planes count over the batch. */
interface Tile {
  /** First plane of the image. */
  readonly from: number;
  readonly planes: number;
  /** First plane of the result. */
  readonly outFrom: number;
  readonly outPlanes: number;
  /** Bᵀ, without columns for planes that lie outside the image. */
  readonly image: Matrix;
  /** A, without columns for planes that lie outside the result. */
  readonly result: Matrix;
}

function tilesOf({ batch, inSize: [depth = 1], outSize: [outDepth = 1], before: [front = 0] }: Geometry): Tile[] {
  return Array.from({ length: batch }, (_, item) =>
    Array.from({ length: Math.ceil(outDepth / TILE) }, (_, tile): Tile => {
      const outPlanes = Math.min(TILE, outDepth - tile * TILE);
      const first = tile * TILE - front; // of six planes, some of which may lie outside
      const [from, to] = [Math.max(first, 0), Math.min(first + PRODUCTS, depth)];
      return {
        from: item * depth + from,
        planes: to - from,
        outFrom: item * outDepth + tile * TILE,
        outPlanes,
        image: IMAGE.map((row) => row.slice(from - first, to - first)),
        result: RESULT.map((row) => row.slice(0, outPlanes)),
      };
    }),
  ).flat();
}

const columnsAsRows = (matrix: Matrix): Matrix =>
  (matrix[0] ?? []).map((_, column) => matrix.map((row) => row[column] ?? 0));

/** A constant matrix times `[columns, n]`. */
function product(graph: Graph, matrix: Matrix, right: Value): Value {
  const shape = [matrix.length, matrix[0]?.length ?? 0];
  const left = graph.constant(Float32Array.from(matrix.flat()), shape);
  return graph.node("MatMul", [left, right], "float32", [matrix.length, right.shape[1] ?? 1]);
}
