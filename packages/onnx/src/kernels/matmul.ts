import { sizeOf } from "@plseg/core";
import type { Graph, Value } from "../graph.js";
import { expanded, identityOrder, inOrder, plain, reshaped, type Sym, transposed, withRank } from "../symbol.js";
import { input, type KernelTable } from "./kernel.js";

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

/** The product of matrices, over matching or repeated leading axes. */
function matMul(graph: Graph, a: Sym, b: Sym): Sym {
  const rank = Math.max(a.shape.length, b.shape.length);
  const [left, right] = [withRank(graph, a, rank), withRank(graph, b, rank)];
  const batch = identityOrder(rank - 2).map((axis) => Math.max(left.shape[axis] ?? 1, right.shape[axis] ?? 1));
  const shape = [...batch, left.shape[rank - 2] ?? 1, right.shape[rank - 1] ?? 1];
  if (sizeOf(batch) === 1) {
    const matrix = (x: Sym): Sym => reshaped(graph, x, x.shape.slice(-2));
    return reshaped(graph, gemm(graph, matrix(left), matrix(right)), shape);
  }
  const values = [left, right].map((x) => inOrder(graph, expanded(graph, x), identityOrder(rank)).value);
  return plain(graph.node("MatMul", values, "float32", shape));
}

/** Kernels that multiply matrices. */
export const MATMUL_KERNELS: KernelTable = {
  BatchMatMul: (graph, inputs, { transposeA, transposeB }) => {
    const [a, b] = [input(inputs, "a"), input(inputs, "b")];
    const rank = (x: Sym): number => x.shape.length;
    return matMul(
      graph,
      transposeA ? transposed(a, swapLast(rank(a))) : a,
      transposeB ? transposed(b, swapLast(rank(b))) : b,
    );
  },
};
