import { UnsupportedOpError } from "@plseg/core";
import type { ElementType } from "../graph.js";
import { plain, withRank } from "../symbol.js";
import { choose, compare, scalar, uniform } from "./elementwise.js";
import { input, type KernelTable } from "./kernel.js";
import { concatenated } from "./shaping.js";

/** Kernels that make numbers. Those that shapes and attributes settle become constants. */
export const CREATION_KERNELS: KernelTable = {
  Fill: (graph, _, { shape, value, dtype }) => {
    const type = (dtype ?? (typeof value === "string" ? "string" : "float32")) as string;
    if (type === "string") throw new UnsupportedOpError("trace: tensors of type string cannot be traced.");
    return uniform(graph, value as number, type as ElementType, shape as readonly number[]);
  },
  ZerosLike: (graph, inputs) => uniform(graph, 0, input(inputs, "x").value.type, input(inputs, "x").shape),
  OnesLike: (graph, inputs) => uniform(graph, 1, input(inputs, "x").value.type, input(inputs, "x").shape),
  Range: (graph, _, { start, stop, step, dtype }) => {
    const [from, to] = [start as number, stop as number];
    const by = to < from && step === 1 ? -1 : (step as number); // tfjs counts down if no step was given
    const count = to !== from && to > from === by > 0 ? Math.abs(Math.ceil((to - from) / by)) : 0;
    const numbers = Array.from({ length: count }, (_, i) => from + i * by);
    const data = dtype === "int32" ? Int32Array.from(numbers) : Float32Array.from(numbers);
    return plain(graph.constant(data, [count]));
  },
  LinSpace: (graph, _, { start, stop, num }) => {
    const [from, to, count] = [start as number, stop as number, num as number];
    const step = count > 1 ? (to - from) / (count - 1) : 0;
    return plain(
      graph.constant(
        Float32Array.from({ length: count }, (_, i) => from + i * step),
        [count],
      ),
    );
  },
  // the operands are shapes: a size of 1 gives way to the other one
  BroadcastArgs: (graph, inputs) => {
    const [a, b] = [input(inputs, "s0"), input(inputs, "s1")];
    const rank = Math.max(a.shape[0] ?? 0, b.shape[0] ?? 0);
    const [left, right] = [a, b].map((sizes) => {
      const missing = rank - (sizes.shape[0] ?? 0);
      return missing === 0 ? sizes : concatenated(graph, [uniform(graph, 1, "int32", [missing]), sizes], 0);
    });
    const [long, other] = [left ?? a, right ?? b].map((sizes) => withRank(graph, sizes, 1));
    return choose(graph, compare(graph, "Equal", long ?? a, scalar(graph, 1, "int32")), other ?? b, long ?? a);
  },
};
