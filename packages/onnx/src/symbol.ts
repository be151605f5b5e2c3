import { type Shape, ShapeError, sizeOf } from "@plseg/core";
import type { Graph, Value } from "./graph.js";

/**
 * A tensor while it is traced. The function being traced sees `shape`; the graph holds `value`, whose axes may stand in
 * another order and may be 1 where the tensor repeats the same numbers. So transposes and broadcasts cost nothing until
 * an operation needs them done.
 */
export interface Sym {
  /** Shape that the function sees, such as `[batch, depth, height, width, class]`. */
  readonly shape: Shape;
  /** What the graph computes. Same rank. */
  readonly value: Value;
  /** For each axis of `value`, the axis of `shape` that it holds. */
  readonly order: readonly number[];
}

/** `[0, 1, ..., rank − 1]`. */
export const identityOrder = (rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis);

/** The order in which convolutions want `[batch, ...spatial, channel]`: the last axis second. */
export const channelsFirstOrder = (rank: number): number[] => [
  0,
  rank - 1,
  ...identityOrder(rank - 2).map((axis) => axis + 1),
];

/**
 * The order in which the CPU computes volumes `[batch, depth, height, width, channel]`: plane after plane, in each plane
 * channel after channel.
 */
export const PLANES_ORDER: readonly number[] = [0, 1, 4, 2, 3];

/** The order in which convolutions want a kernel `[...spatial, in, out]`: out, in, then the rest. */
export const kernelOrder = (rank: number): number[] => [rank - 1, rank - 2, ...identityOrder(rank - 2)];

/** A symbol whose value has just the shape that the function sees. */
export const plain = (value: Value): Sym => ({ shape: value.shape, value, order: identityOrder(value.shape.length) });

/** Whether all numbers of the symbol are the same one, known now. */
export function uniformValue({ value }: Sym): number | undefined {
  return value.constant && value.constant.length === 1 ? Number(value.constant[0]) : undefined;
}

/** Sizes of the symbol's axes in the order of its value: what the value's shape would be without broadcasting. */
export const fullShape = ({ shape, order }: Sym): number[] => order.map((axis) => shape[axis] ?? 1);

const equal = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((size, axis) => size === b[axis]);

/** `Reshape`, or nothing if the shape is right already. */
export function reshapeValue(graph: Graph, value: Value, shape: Shape): Value {
  if (equal(value.shape, shape)) return value;
  if (value.constant) return graph.constant(value.constant, shape);
  const empty = shape.includes(0); // a size of 0 would else mean that of the input
  return graph.node("Reshape", [value, graph.integers(shape)], value.type, shape, empty ? { allowzero: 1 } : {});
}

/** The symbol with its axes in the given order. Transposes only if more than axes of size 1 move. */
export function inOrder(graph: Graph, x: Sym, order: readonly number[]): Sym {
  if (equal(x.order, order)) return x;
  const permutation = order.map((axis) => x.order.indexOf(axis));
  const shape = permutation.map((axis) => x.value.shape[axis] ?? 1);
  const moved = permutation.filter((axis) => x.value.shape[axis] !== 1);
  const inPlace = moved.every((axis, i) => i === 0 || axis > (moved[i - 1] ?? 0));
  const value = inPlace
    ? reshapeValue(graph, x.value, shape)
    : graph.node("Transpose", [x.value], x.value.type, shape, { perm: permutation });
  return { shape: x.shape, value, order };
}

/** The symbol with every number written out. */
export function expanded(graph: Graph, x: Sym): Sym {
  const shape = fullShape(x);
  if (equal(x.value.shape, shape)) return x;
  return { ...x, value: graph.node("Expand", [x.value, graph.integers(shape)], x.value.type, shape) };
}

/** The value with every number written out, axes in the given order (that of the shape unless told). */
export function materialize(graph: Graph, x: Sym, order: readonly number[] = identityOrder(x.shape.length)): Value {
  return expanded(graph, inOrder(graph, x, order)).value;
}

/** The symbol seen as `[1, ..., 1, ...shape]` of a higher rank. */
export function withRank(graph: Graph, x: Sym, rank: number): Sym {
  const added = rank - x.shape.length;
  if (added === 0) return x;
  const ones = Array.from({ length: added }, () => 1);
  const order = [...identityOrder(added), ...x.order.map((axis) => axis + added)];
  return {
    shape: [...ones, ...x.shape],
    value: reshapeValue(graph, x.value, [...ones, ...x.value.shape]),
    order,
  };
}

/** The symbol repeated along axes of size 1 to fill `shape`. Costs nothing. */
export function broadcastTo(graph: Graph, x: Sym, shape: Shape): Sym {
  return { ...withRank(graph, x, shape.length), shape };
}

/** Axes reordered as by `transpose`: axis `i` of the result is axis `permutation[i]` of `x`. Costs nothing. */
export function transposed(x: Sym, permutation: readonly number[]): Sym {
  return {
    shape: permutation.map((axis) => x.shape[axis] ?? 1),
    value: x.value,
    order: x.order.map((axis) => permutation.indexOf(axis)),
  };
}

/** Another shape of the same size. Transposes only where the new axes mix old ones that are not side by side. */
export function reshaped(graph: Graph, x: Sym, shape: Shape): Sym {
  if (equal(x.shape, shape)) return x;
  if (x.value.shape.every((size) => size === 1) && sizeOf(shape) > 0)
    return {
      shape,
      value: reshapeValue(
        graph,
        x.value,
        shape.map(() => 1),
      ),
      order: identityOrder(shape.length),
    };
  const groups = matchAxes(x.shape, shape);
  const layout = groups && layGroups(x, groups, shape);
  if (layout) return { shape, value: reshapeValue(graph, x.value, layout.valueShape), order: layout.order };
  return { shape, value: reshapeValue(graph, materialize(graph, x), shape), order: identityOrder(shape.length) };
}

/** Runs of old axes and the runs of new axes that hold the same elements. Axes of size 1 are left out of both. */
interface AxisGroup {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

function matchAxes(from: Shape, to: Shape): AxisGroup[] | undefined {
  const old = identityOrder(from.length).filter((axis) => from[axis] !== 1);
  const fresh = identityOrder(to.length).filter((axis) => to[axis] !== 1);
  const groups: AxisGroup[] = [];
  while (old.length > 0 && fresh.length > 0) {
    const group = { from: [old.shift() ?? 0], to: [fresh.shift() ?? 0] };
    const product = (shape: Shape, axes: readonly number[]): number =>
      axes.reduce((total, axis) => total * (shape[axis] ?? 1), 1);
    for (;;) {
      const [a, b] = [product(from, group.from), product(to, group.to)];
      if (a === b) break;
      const next = a < b ? old.shift() : fresh.shift();
      if (next === undefined) return undefined;
      (a < b ? group.from : group.to).push(next);
    }
    groups.push(group);
  }
  return old.length === 0 && fresh.length === 0 ? groups : undefined;
}

function layGroups(
  x: Sym,
  groups: readonly AxisGroup[],
  shape: Shape,
): { order: number[]; valueShape: number[] } | undefined {
  const places = x.order.filter((axis) => x.shape[axis] !== 1);
  const order = identityOrder(shape.length).filter((axis) => shape[axis] === 1);
  const valueShape = order.map(() => 1);
  for (let place = 0; place < places.length; ) {
    const group = groups.find(({ from }) => from[0] === places[place]);
    if (!group?.from.every((axis, i) => places[place + i] === axis)) return undefined;
    const repeated = group.from.map((axis) => x.value.shape[x.order.indexOf(axis)] === 1);
    if (repeated.some((r) => r !== repeated[0])) return undefined;
    order.push(...group.to);
    valueShape.push(...group.to.map((axis) => (repeated[0] ? 1 : (shape[axis] ?? 1))));
    place += group.from.length;
  }
  return { order, valueShape };
}

/** Brings operands to one rank and one order of axes, that of the largest, so that ONNX can broadcast them. */
export function aligned(graph: Graph, operands: readonly Sym[]): { shape: Shape; order: number[]; values: Value[] } {
  const rank = Math.max(...operands.map(({ shape }) => shape.length));
  const ranked = operands.map((x) => withRank(graph, x, rank));
  const largest = ranked.reduce((a, b) => (sizeOf(b.value.shape) > sizeOf(a.value.shape) ? b : a));
  const order = [...largest.order];
  return {
    shape: identityOrder(rank).map((axis) => commonSize(ranked.map((x) => x.shape[axis] ?? 1))),
    order,
    values: ranked.map((x) => inOrder(graph, x, order).value),
  };
}

/** The size that broadcasting gives an axis: that of the operands that do not repeat, which may be 0. */
function commonSize(sizes: readonly number[]): number {
  const [size = 1, ...others] = new Set(sizes.filter((s) => s !== 1));
  if (others.length === 0) return size;
  throw new ShapeError(
    `trace: sizes ${[size, ...others].join(" and ")} of an axis cannot be broadcast to one another.`,
  );
}

/** Shape that ONNX broadcasting gives. */
export function broadcastShape(values: readonly Value[]): number[] {
  const rank = Math.max(...values.map(({ shape }) => shape.length));
  return identityOrder(rank).map((axis) =>
    commonSize(values.map(({ shape }) => shape[axis - rank + shape.length] ?? 1)),
  );
}
