import type { Shape } from "@plseg/core";
import type { Graph, Value } from "./graph.js";
import { reshapeValue } from "./symbol.js";

/*
 * Volumes in pieces. A graph that is `streamed` computes volumes `[batch, depth, channel, height, width]` a few planes at a time:
 * every operation that works plane by plane takes the pieces that the one before it made, and none needs the whole. ONNX
 * Runtime runs what a result depends on before it begins with the next one, so a piece is gone soon after it was made, and
 * stays in a processor's cache until then.
 *
 * A piece is `[1, planes, channel, height, width]`; planes count over the batch. The whole can still be had: it is there as a
 * node that joins the pieces, and is left out of the graph where nobody reads it.
 */

/** Planes of a piece that is cut from a volume. */
const PIECE_PLANES = 4;

/** A volume of the given shape from its pieces, which are remembered. */
export function joined(graph: Graph, pieces: readonly Value[], shape: Shape): Value {
  const [first] = pieces;
  if (!first || pieces.length === 1) return reshapeValue(graph, first as Value, shape);
  const planes = (shape[0] ?? 1) * (shape[1] ?? 1);
  const whole = graph.node("Concat", pieces, first.type, [1, planes, ...shape.slice(2)], { axis: 1 });
  const value = reshapeValue(graph, whole, shape);
  if (graph.streamed) graph.pieces.set(value.name, pieces);
  return value;
}

/** `count` planes of a volume from plane `from` on, as `[count, ...rest]`, from its pieces if it has any. */
export function planesOf(graph: Graph, volume: Value, from: number, count: number, rest: Shape): Value {
  const pieces = graph.pieces.get(volume.name);
  if (!pieces) return planeSlice(graph, rows(graph, volume, rest), from, count);
  const parts: Value[] = [];
  let begin = 0;
  for (const piece of pieces) {
    const planes = piece.shape[1] ?? 1;
    const [first, end] = [Math.max(from, begin), Math.min(from + count, begin + planes)];
    if (first < end) parts.push(planeSlice(graph, rows(graph, piece, rest), first - begin, end - first));
    begin += planes;
  }
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  return graph.node("Concat", parts, volume.type, [count, ...rest], { axis: 0 });
}

/** Planes one below another, each seen in the shape `rest`. */
function rows(graph: Graph, volume: Value, rest: Shape): Value {
  return reshapeValue(graph, volume, [(volume.shape[0] ?? 1) * (volume.shape[1] ?? 1), ...rest]);
}

function planeSlice(graph: Graph, planes: Value, from: number, count: number): Value {
  if (from === 0 && count === planes.shape[0]) return planes;
  const inputs = [planes, ...[[from], [from + count], [0], [1]].map((numbers) => graph.integers(numbers))];
  return graph.node("Slice", inputs, planes.type, [count, ...planes.shape.slice(1)]);
}

/**
 * An operation that works plane by plane, done piece by piece if one of its operands is in pieces: another volume of as many
 * planes is cut like it, and what has no planes is taken as it is. Undefined if no operand is in pieces, or one is in the way.
 *
 * @param shape - Of the result, `[batch, depth, ...]`.
 */
export function piecewise(
  graph: Graph,
  operands: readonly Value[],
  shape: Shape,
  operation: (operands: readonly Value[], planes: number) => Value,
): Value | undefined {
  const model = operands.map(({ name }) => graph.pieces.get(name)).find((pieces) => pieces !== undefined);
  if (!model) return undefined;
  const planes = (shape[0] ?? 1) * (shape[1] ?? 1);
  const spread = operands.map(({ shape: [batch = 1, depth = 1, ...rest] }) => ({ planes: batch * depth, rest }));
  if (!spread.every((operand) => operand.planes === planes || operand.planes === 1)) return undefined;
  let from = 0;
  const results = model.map((piece) => {
    const count = piece.shape[1] ?? 1;
    const values = operands.map((operand, i) => {
      const { planes: own, rest } = spread[i] as (typeof spread)[number];
      if (own === 1) return operand;
      return reshapeValue(graph, planesOf(graph, operand, from, count, rest), [1, count, ...rest]);
    });
    from += count;
    return operation(values, count);
  });
  return joined(graph, results, shape);
}

/** Where the pieces of a volume begin and how many planes they have. Those that it would be cut into if it is in one. */
export function spansOf(graph: Graph, volume: Value): readonly Span[] {
  const pieces = graph.pieces.get(volume.name);
  const [batch = 1, depth = 1] = volume.shape;
  if (!pieces) return spans(batch, depth);
  let from = 0;
  return pieces.map(({ shape: [, count = 1] }) => {
    from += count;
    return { from: from - count, count };
  });
}

/** Some planes of a volume, counted over the batch. */
export interface Span {
  readonly from: number;
  readonly count: number;
}

/** Cuts volumes into pieces of a few planes, none of which belongs to two items. */
export function spans(batch: number, depth: number): Span[] {
  return Array.from({ length: batch }, (_, item) =>
    Array.from({ length: Math.ceil(depth / PIECE_PLANES) }, (_, piece) => ({
      from: item * depth + piece * PIECE_PLANES,
      count: Math.min(PIECE_PLANES, depth - piece * PIECE_PLANES),
    })),
  ).flat();
}
