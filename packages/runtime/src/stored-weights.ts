import { DataError, type Shape, showShape, sizeOf, type Weights } from "@plseg/core";
import { loadedPermutation, storedShape } from "@plseg/models";
import { type Tensor, tensor, transpose } from "@tensorflow/tfjs-core";

/** Weights that are known numbers, and which of them were asked for. */
export interface StoredWeights {
  readonly weights: Weights;
  /** Names of the weights that nobody asked for yet. */
  unused(): string[];
}

/**
 * Weights by name, each in stored order. Asking for one that is not there, or has another size, is a DataError.
 *
 * Setting a buffer has no effect: what is stored stays as it is.
 */
export function storedWeights(values: ReadonlyMap<string, Float32Array>): StoredWeights {
  const unused = new Set(values.keys());
  const find = (name: string, shape: Shape): Tensor => {
    const value = values.get(name);
    if (!value)
      throw new DataError(`storedWeights: the weight "${name}" is missing. Were these made for this network?`);
    if (value.length !== sizeOf(shape))
      throw new DataError(
        `storedWeights: the weight "${name}" must have ${sizeOf(shape)} values (${showShape(shape)}), got ${value.length}.`,
      );
    unused.delete(name);
    if (shape.length < 2) return tensor(value, [...shape]);
    return transpose(tensor(value, storedShape(shape)), loadedPermutation(shape.length));
  };
  const at = (prefix: string): Weights => ({
    get: (name, shape) => find(prefix + name, shape),
    buffer: (name, shape) => find(prefix + name, shape),
    setBuffer: () => undefined,
    at: (inner) => at(`${prefix}${inner}.`),
  });
  return { weights: at(""), unused: () => [...unused] };
}
