import type { NetworkMode, Weights } from "@plseg/core";
import { type FlatLayout, flatWeights } from "@plseg/models";
import { valueAndGradients } from "@plseg/ops";
import { add, mean, type Scalar, square, type Tensor1D, type Tensor5D } from "@tensorflow/tfjs-core";
import type { Tensors } from "./engines.js";
import { formulaWeights, type StateEntry } from "./formula-weights.js";

/** How to find the weights of a reference network in ours. */
export interface WeightNames {
  /** Our name of a weight of the reference, or nothing if ours does without. */
  ourName(reference: string): string | undefined;
  /**
   * What the biases that ours does without add to the running means of the batch norms behind them, by our name.
   *
   * @param values - The reference's weights by name.
   */
  foldedBiases?(values: ReadonlyMap<string, Float32Array>): Map<string, Float32Array>;
}

/** One of our networks with the formula weights of a reference network. */
export interface ReferenceNetwork {
  /** Logits at all scales. Inputs: `image` and what else the network takes. */
  run(weights: Weights, inputs: Tensors, mode: NetworkMode): Tensor5D[];
  readonly layout: FlatLayout;
  readonly parameters: Float32Array;
  readonly buffers: Float32Array;
  /** Our name of a weight of the reference, or nothing if ours does without. */
  ourName(reference: string): string | undefined;
  /** What was subtracted from running means, by our name. */
  readonly foldedBiases: ReadonlyMap<string, Float32Array>;
}

/** Gives one of our networks the formula weights of a reference state. */
export function referenceNetwork(
  run: ReferenceNetwork["run"],
  layout: FlatLayout,
  state: readonly StateEntry[],
  { ourName, foldedBiases }: WeightNames,
): ReferenceNetwork {
  const values = formulaWeights(state);
  const folded = foldedBiases?.(values) ?? new Map<string, Float32Array>();
  const ours = new Map<string, Float32Array>();
  for (const [reference, value] of values) {
    const name = reference.endsWith("num_batches_tracked") ? undefined : ourName(reference);
    if (name === undefined) continue;
    const bias = folded.get(name);
    ours.set(name, bias ? value.map((mean, channel) => mean - (bias[channel] as number)) : value);
  }
  return { run, layout, ...layout.pack(ours), ourName, foldedBiases: folded };
}

/** Outputs of a run without dropout. Inputs: those of the network, `parameters`, `buffers`. */
export function forward({ run, layout }: ReferenceNetwork, inputs: Tensors): Tensors {
  const { weights } = flatWeights(layout, inputs.parameters as Tensor1D, inputs.buffers as Tensor1D);
  return named(run(weights, inputs, { training: false }));
}

/** A training run: outputs, loss Σ mean(out²), next buffers, and gradients of the parameters (flat) and of the image. */
export function train({ run, layout }: ReferenceNetwork, inputs: Tensors): Tensors {
  const store = flatWeights(layout, inputs.parameters as Tensor1D, inputs.buffers as Tensor1D);
  const { value, aux, gradients } = valueAndGradients(() => {
    const outputs = run(store.weights, inputs, { training: true });
    const value = outputs.map((logits) => mean<Scalar>(square(logits))).reduce((sum, term) => add<Scalar>(sum, term));
    return { value, aux: { ...named(outputs), buffers: store.nextBuffers() } };
  }, [inputs.image as Tensor5D, ...store.tensors]);
  const [gradImage, ...rest] = gradients;
  return { ...aux, loss: value, gradImage: gradImage as Tensor5D, gradParameters: store.packGradients(rest) };
}

const named = (outputs: readonly Tensor5D[]): Tensors =>
  Object.fromEntries(outputs.map((logits, k) => [`out${k + 1}`, logits]));
