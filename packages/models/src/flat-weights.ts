import { ConfigError, checkSameShape, type Shape, type Weights } from "@plseg/core";
import { concat, reshape, slice, type Tensor, type Tensor1D, transpose } from "@tensorflow/tfjs-core";
import type { FlatLayout, PlacedWeight } from "./flat-layout.js";
import { loadedPermutation, storedPermutation, storedShape } from "./weight-spec.js";

/** The weights of a network, taken from two flat vectors. */
export interface FlatWeights {
  /** What to hand to the network. */
  readonly weights: Weights;
  /** The parameters as the network sees them, in layout order: what gradients are taken with respect to. */
  readonly tensors: readonly Tensor[];
  /** The buffers for the next step, `[bufferCount]`: those that were set, and the others as they were. */
  nextBuffers(): Tensor1D;
  /** Joins gradients of {@link tensors} into one vector in the order of the parameters, `[parameterCount]`. */
  packGradients(gradients: readonly Tensor[]): Tensor1D;
}

/**
 * Weights as views of two flat vectors.
 *
 * @param parameters - `[layout.parameterCount]`.
 * @param buffers - `[layout.bufferCount]`.
 * @throws ShapeError if a vector has another length. Asking for an unknown weight is a ConfigError, for another shape of a
 * known one a ShapeError.
 */
export function flatWeights(layout: FlatLayout, parameters: Tensor1D, buffers: Tensor1D): FlatWeights {
  checkSameShape("flatWeights", ["parameters", parameters.shape], ["the layout", [layout.parameterCount]]);
  checkSameShape("flatWeights", ["buffers", buffers.shape], ["the layout", [layout.bufferCount]]);
  const tensors = layout.parameters.map((weight) => unstore(parameters, weight));
  const trained = new Map(layout.parameters.map(({ name }, i) => [name, tensors[i] as Tensor]));
  const kept = new Map(layout.buffers.map((weight) => [weight.name, unstore(buffers, weight)]));
  const current = new Map(kept);

  const find = (tensors: ReadonlyMap<string, Tensor>, name: string, shape: Shape): Tensor => {
    const tensor = tensors.get(name);
    if (!tensor)
      throw new ConfigError(`flatWeights: the layout has no weight "${name}". Was it made for this network?`);
    checkSameShape("flatWeights", [`"${name}" of the layout`, tensor.shape], ["of the network", shape]);
    return tensor;
  };
  const at = (prefix: string): Weights => ({
    get: (name, shape) => find(trained, prefix + name, shape),
    buffer: (name, shape) => find(current, prefix + name, shape),
    setBuffer(name, value) {
      find(current, prefix + name, value.shape);
      current.set(prefix + name, value);
    },
    at: (inner) => at(`${prefix}${inner}.`),
  });

  return {
    weights: at(""),
    tensors,
    nextBuffers() {
      if (layout.buffers.every(({ name }) => current.get(name) === kept.get(name))) return buffers;
      return concat(layout.buffers.map(({ name }) => store(current.get(name) as Tensor)));
    },
    packGradients: (gradients) => concat(gradients.map(store)),
  };
}

/** A weight as the network sees it, out of a flat vector. */
function unstore(vector: Tensor1D, { offset, size, shape }: PlacedWeight): Tensor {
  const stored = slice(vector, offset, size);
  if (shape.length < 2) return reshape(stored, [...shape]);
  return transpose(reshape(stored, storedShape(shape)), loadedPermutation(shape.length));
}

/** The values of a weight as they lie in a flat vector. */
function store(tensor: Tensor): Tensor1D {
  const stored = tensor.rank < 2 ? tensor : transpose(tensor, storedPermutation(tensor.rank));
  return reshape(stored, [tensor.size]);
}
