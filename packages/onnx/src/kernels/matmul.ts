import { ShapeError, showShape, sizeOf } from "@plseg/core";
import { backend_util } from "@tensorflow/tfjs-core";
import type { Graph, Value } from "../graph.js";
import { joined, piecewise, planesOf, spans } from "../pieces.js";
import {
  broadcastShape,
  expanded,
  identityOrder,
  inOrder,
  materialize,
  plain,
  reshaped,
  reshapeValue,
  type Sym,
  transposed,
  withRank,
} from "../symbol.js";
import { withBiasAndActivation } from "./activation.js";
import { input, type KernelAttributes, type KernelTable, tensorLike } from "./kernel.js";
import { sliceAxis } from "./shaping.js";

const swapLast = (rank: number): number[] => [...identityOrder(rank - 2), rank - 1, rank - 2];

/** `[m, k] · [k, n]`, reading either operand transposed where that is how it is held. */
function gemm(graph: Graph, a: Sym, b: Sym): Sym {
  const [left, right] = [held(graph, a), held(graph, b)];
  const shape = [a.shape[0] ?? 1, b.shape[1] ?? 1];
  const flags = { ...(left.transposed && { transA: 1 }), ...(right.transposed && { transB: 1 }) };
  return plain(graph.node("Gemm", [left.value, right.value], "float32", shape, flags));
}

function held(graph: Graph, x: Sym): { value: Value; transposed: boolean } {
  const { value, order } = expanded(graph, x);
  return { value, transposed: order[0] === 1 };
}

/**
 * One axis of a tensor multiplied by a matrix `[..., to, from]` whose leading axes are 1, wherever that axis lies in memory:
 * what lies before it is a batch of products, what lies behind it their columns.
 */
function contracted(graph: Graph, matrix: Sym, x: Sym, axis: number): Sym {
  const [to = 1, from = 1] = matrix.shape.slice(-2);
  const { value, order } = expanded(graph, x);
  const place = order.indexOf(axis);
  const weights = reshaped(graph, matrix, [to, from]);
  const product = (value: Value): Value => {
    const [outer, inner] = [sizeOf(value.shape.slice(0, place)), sizeOf(value.shape.slice(place + 1))];
    if (inner === 1) {
      const rows = plain(reshapeValue(graph, value, [outer, from]));
      return gemm(graph, rows, transposed(weights, [1, 0])).value;
    }
    if (outer === 1) return gemm(graph, weights, plain(reshapeValue(graph, value, [from, inner]))).value;
    const rows = reshapeValue(graph, value, [outer, from, inner]);
    return graph.node("MatMul", [materialize(graph, weights), rows], "float32", [outer, to, inner]);
  };
  const inOne = (value: Value): Value => reshapeValue(graph, product(value), value.shape.with(place, to));
  const shape = value.shape.with(place, to);
  const isVolume = graph.streamed && shape.length === 5;
  const pieces =
    isVolume && place === 1 && shape[0] === 1
      ? resizedDepth(graph, weights, value)
      : isVolume && place > 1 && piecewise(graph, [value], shape, ([piece]) => inOne(piece as Value));
  return { shape: x.shape.with(axis, to), order, value: pieces || inOne(value) };
}

/** The planes of a volume multiplied by a matrix `[to, from]`, in pieces: each from the planes on which it depends alone. */
function resizedDepth(graph: Graph, matrix: Sym, volume: Value): Value {
  const [to = 1, from = 1] = matrix.shape;
  const rest = volume.shape.slice(2);
  const known = materialize(graph, matrix).constant;
  const results = spans(1, to).map(({ from: row, count }) => {
    const rows = sliceAxis(graph, matrix, 0, row, count);
    const used = identityOrder(from).filter(
      (column) => !known || identityOrder(count).some((i) => Number(known[(row + i) * from + column]) !== 0),
    );
    const [first = 0, last = 0] = [used[0], used.at(-1)];
    const columns = sliceAxis(graph, rows, 1, first, last - first + 1);
    const planes = planesOf(graph, volume, first, last - first + 1, [sizeOf(rest)]);
    return reshapeValue(graph, gemm(graph, columns, plain(planes)).value, [1, count, ...rest]);
  });
  return joined(graph, results, [1, to, ...rest]);
}

/** The product of matrices, over matching or repeated leading axes. */
export function matMul(graph: Graph, a: Sym, b: Sym): Sym {
  const rank = Math.max(a.shape.length, b.shape.length);
  const [left, right] = [withRank(graph, a, rank), withRank(graph, b, rank)];
  const batch = broadcastShape([left, right].map((x) => ({ ...x.value, shape: x.shape.slice(0, -2) })));
  const shape = [...batch, left.shape[rank - 2] ?? 1, right.shape[rank - 1] ?? 1];
  if (sizeOf(batch) === 1 && a.value.type === "float32") {
    const matrix = (x: Sym): Sym => reshaped(graph, x, x.shape.slice(-2));
    return reshaped(graph, gemm(graph, matrix(left), matrix(right)), shape);
  }
  if (sizeOf(left.shape.slice(0, -2)) === 1 && a.value.type === "float32")
    return contracted(graph, left, right, rank - 2);
  if (sizeOf(right.shape.slice(0, -2)) === 1 && a.value.type === "float32")
    return contracted(graph, transposed(right, swapLast(rank)), left, rank - 1);
  const values = [left, right].map((x) => inOrder(graph, expanded(graph, x), identityOrder(rank)).value);
  return plain(graph.node("MatMul", values, a.value.type, shape));
}

/** The product of the operands "a" and "b", transposed if the attributes say so. */
function product(
  graph: Graph,
  inputs: Readonly<Record<string, Sym>>,
  { transposeA, transposeB }: KernelAttributes,
): Sym {
  const [a, b] = [input(inputs, "a"), input(inputs, "b")];
  const rank = (x: Sym): number => x.shape.length;
  const left = transposeA ? transposed(a, swapLast(rank(a))) : a;
  const right = transposeB ? transposed(b, swapLast(rank(b))) : b;
  if (rank(a) < 2 || rank(b) < 2 || left.shape.at(-1) !== right.shape.at(-2))
    throw new ShapeError(
      `matMul: the columns of a must be as many as the rows of b, got ${showShape(left.shape)} and ${showShape(right.shape)}.`,
    );
  return matMul(graph, left, right);
}

/** Kernels that multiply matrices. */
export const MATMUL_KERNELS: KernelTable = {
  BatchMatMul: product,
  _FusedMatMul: (graph, inputs, attributes) => {
    const { bias, preluActivationWeights } = inputs;
    return withBiasAndActivation(graph, product(graph, inputs, attributes), bias, preluActivationWeights, attributes);
  },
  Einsum: (graph, inputs, { equation }) => {
    const operands = Object.values(inputs);
    const letters = String(equation).replaceAll(" ", "");
    const { allDims, idDims } = backend_util.decodeEinsumEquation(letters, operands.length);
    backend_util.checkEinsumDimSizes(allDims.length, idDims, operands.map(tensorLike) as never);
    const [left = "", right = ""] = letters.split("->");
    const sizes = new Map(
      left.split(",").flatMap((term, i) => [...term].map((letter, axis) => [letter, operands[i]?.shape[axis] ?? 1])),
    );
    const values = operands.map((operand) => materialize(graph, operand));
    const shape = [...right].map((letter) => sizes.get(letter) ?? 1);
    return plain(graph.node("Einsum", values, values[0]?.type ?? "float32", shape, { equation: letters }));
  },
};
