import type { GoldenArray, GoldenCase } from "@plseg/test-kit";
import { oneHot, type Tensor, type Tensor5D, tensor } from "@tensorflow/tfjs-core";
import type { Arrays } from "./engines.js";

/** The values that count as true: the float64 run where the case has one, else the float32 run. */
export function truth(vectors: GoldenCase, name: string): GoldenArray {
  return vectors.array(vectors.names.includes(`${name}_f64`) ? `${name}_f64` : name);
}

/** One entry along the first axis. */
export function entry({ shape: [, ...shape], data }: GoldenArray, index: number): GoldenArray {
  const size = shape.reduce((product, length) => product * length, 1);
  return { shape, data: data.slice(index * size, (index + 1) * size) };
}

/** An array as it is, as a tensor of whole numbers. */
export function integers({ shape, data }: GoldenArray): Tensor {
  return tensor(Int32Array.from(data as Uint8Array, Number), [...shape], "int32");
}

/** `[batch, depth, height, width]` of class indices to `[batch, depth, height, width, class]` of 0 and 1. */
export function oneHotLabels(labels: Tensor, classes: number): Tensor5D {
  return oneHot(labels, classes, 1, 0, "float32") as Tensor5D;
}

/** An output of an engine. @throws Error if there is none of that name. */
export function output(arrays: Arrays, name: string): Arrays[string] {
  const array = arrays[name];
  if (!array) throw new Error(`output: there is no "${name}"; there are ${Object.keys(arrays).join(", ")}.`);
  return array;
}

/** An output that is one number. */
export const scalarOutput = (arrays: Arrays, name: string): number => output(arrays, name).data[0] ?? Number.NaN;
