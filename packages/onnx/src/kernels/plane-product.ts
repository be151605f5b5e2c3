import { sizeOf } from "@plseg/core";
import type { Graph, Value } from "../graph.js";
import { plain, reshapeValue } from "../symbol.js";
import type { Geometry } from "./geometry.js";
import { concatenated, padded } from "./shaping.js";

/** Axes of a kernel `[depth, height, width, in, out]`. */
const [HEIGHT, WIDTH, IN, OUT] = [1, 2, 3, 4];

const NONE = [0, 0] as const;

/** Products of planes. */
export interface PlaneProduct {
  /** `[plane, rows, columns]`. */
  readonly value: Value;
  /** Which axes of the kernel make up rows and columns, in order. */
  readonly axes: readonly number[];
}

/**
 * `Σ_v x[c, v + k] · dy[o, v]` over the pixels v of each plane, for every tap k of a kernel and all channels c and o.
 *
 * A tap splits into a part that moves the image and a part that moves the gradient the other way, so instead of nine moved
 * images it takes three of each: less copying, and one large product instead of nine thin ones.
 *
 * @param x - `[plane, in, height, width]`.
 * @param dy - `[plane, out, height, width]`.
 */
export function planeProduct(graph: Graph, x: Value, dy: Value, geometry: Geometry): PlaneProduct {
  const { inSize, outSize, before, kernel } = geometry;
  const taps = (axes: readonly number[]): number => sizeOf(axes.map((axis) => kernel[axis] ?? 1));
  const split = SPLITS.reduce((best, choice) => {
    const cost = ({ image, gradient }: typeof choice): number =>
      taps(image) * (x.shape[1] ?? 1) + taps(gradient) * (dy.shape[1] ?? 1);
    return cost(choice) < cost(best) ? choice : best;
  });

  /** Zeros around an image that moves it by a tap, and gives it the size of the gradient; those of a gradient are opposite. */
  const margins = (axis: number, tap: number): readonly [number, number] => {
    const ahead = (before[axis] ?? 0) - tap;
    return [ahead, (outSize[axis] ?? 1) - (inSize[axis] ?? 1) - ahead];
  };
  const rows = (value: Value, axes: readonly number[], sign: number): Value => {
    const copies = places(axes, kernel).map((place) => {
      const margin = (axis: number): readonly [number, number] => {
        const [front, back] = axes.includes(axis) ? margins(axis, place[axis] ?? 0) : NONE;
        return [sign * front, sign * back];
      };
      return padded(graph, plain(value), [NONE, NONE, margin(HEIGHT), margin(WIDTH)]);
    });
    const joined = concatenated(graph, copies, 1).value;
    const [planes = 1, channels = 1, ...pixels] = joined.shape;
    return reshapeValue(graph, joined, [planes, channels, sizeOf(pixels)]);
  };
  const image = { value: rows(x, split.image, 1), axes: [...split.image, IN] };
  const gradient = { value: rows(dy, split.gradient, -1), axes: [...split.gradient, OUT] };

  const count = ({ value }: { value: Value }): number => value.shape[1] ?? 1;
  // the right operand is rearranged before it is multiplied: the smaller one
  const [left, right] = count(image) >= count(gradient) ? [image, gradient] : [gradient, image];
  const [planes = 1, columns = 1, pixels = 1] = right.value.shape;
  const turned = graph.node("Transpose", [right.value], "float32", [planes, pixels, columns], { perm: [0, 2, 1] });
  const value = graph.node("MatMul", [left.value, turned], "float32", [planes, count(left), columns]);
  return { value, axes: [...left.axes, ...right.axes] };
}

/** Which axes move the image and which the gradient. */
const SPLITS = [
  { image: [HEIGHT], gradient: [WIDTH] }, // whole rows of the image move, which is the cheapest copy
  { image: [HEIGHT, WIDTH], gradient: [] },
  { image: [], gradient: [HEIGHT, WIDTH] },
];

/** Every tap along some axes of a kernel, by axis; the last axis runs fastest. */
function places(axes: readonly number[], kernel: readonly number[]): Readonly<Record<number, number>>[] {
  return axes.reduce<Record<number, number>[]>(
    (all, axis) =>
      all.flatMap((place) => Array.from({ length: kernel[axis] ?? 1 }, (_, tap) => ({ ...place, [axis]: tap }))),
    [{}],
  );
}
