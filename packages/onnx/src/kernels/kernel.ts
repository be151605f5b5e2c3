import { sizeOf } from "@plseg/core";
import type { Graph } from "../graph.js";
import type { Sym } from "../symbol.js";

/** Attributes as tfjs hands them to kernels. Each kernel knows the types of its own. */
export type KernelAttributes = Readonly<Record<string, unknown>>;

/** What one tfjs kernel becomes in the graph. Inputs come by the names (or places) that tfjs gives them. */
export type TraceKernel = (
  graph: Graph,
  inputs: Readonly<Record<string, Sym>>,
  attributes: KernelAttributes,
) => Sym | readonly Sym[];

/** Kernels by the name that tfjs gives them. */
export type KernelTable = Readonly<Record<string, TraceKernel>>;

/** An input that tfjs promises to give. */
export function input(inputs: Readonly<Record<string, Sym>>, name: string): Sym {
  const symbol = inputs[name];
  if (!symbol) throw new TypeError(`trace: a kernel did not get its input "${name}".`);
  return symbol;
}

/** `axis` counted from the front, also where it was given from the back. */
export const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** A symbol as tfjs' own checks of operands want to see it. */
export const tensorLike = ({ shape, value }: Sym): object => ({
  shape: [...shape],
  rank: shape.length,
  size: sizeOf(shape),
  dtype: value.type,
});
