import { valueAndGradients } from "@plseg/ops";
import { channelsLast, type GoldenArray, type GoldenCase } from "@plseg/test-kit";
import { mul, sum, type Tensor, tensor, transpose } from "@tensorflow/tfjs-core";
import type { Tensors } from "./engines.js";

/** Names of the operators of a case, in order of first use: what stands before the dot of its arrays. */
export function entriesOf({ names }: GoldenCase): string[] {
  return [...new Set(names.map((name) => name.split(".")[0] as string))].sort();
}

/** `out` of an operator and the gradients of its inputs for the upstream gradient `upstream`, as `grad_<input>`. */
export function pullback(operator: (inputs: Tensors) => Tensor): (inputs: Tensors) => Tensors {
  return ({ upstream, ...inputs }) => {
    const names = Object.keys(inputs);
    const { aux, gradients } = valueAndGradients(() => {
      const out = operator(inputs);
      return { value: sum(mul(out, upstream as Tensor)), aux: { out } };
    }, Object.values(inputs));
    return { ...aux, ...Object.fromEntries(names.map((name, i) => [`grad_${name}`, gradients[i] as Tensor])) };
  };
}

/** A stored kernel `[out, in, ...]` or vector as a tensor `[..., in, out]`. */
export function kernelOf({ shape, data }: GoldenArray): Tensor {
  const stored = tensor(data as Float32Array, [...shape]);
  if (shape.length < 2) return stored;
  return transpose(stored, [...shape.keys()].slice(2).concat([1, 0]));
}

/** The values of a kernel `[..., in, out]` in stored order. */
export function storedValues(shape: readonly number[], data: Float32Array): ArrayLike<number> {
  if (shape.length < 2) return data;
  const last = shape.length - 1;
  return transpose(tensor(data, [...shape]), [last, last - 1, ...[...shape.keys()].slice(0, -2)]).dataSync();
}

/** The upstream gradient and the image of an entry, channels last. */
export function volumesOf(vectors: GoldenCase, entry: string): { upstream: Tensor; x: Tensor } {
  return {
    upstream: channelsLast(vectors.array(`${entry}.grad_out`)),
    x: channelsLast(vectors.array(`${entry}.x`)),
  };
}
