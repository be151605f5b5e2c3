import type { Network } from "@plseg/core";
import { type FlatLayout, flatLayout, flatWeights, listWeights, type PlSegUnetConfig, plSegUnet } from "@plseg/models";
import { valueAndGradients } from "@plseg/ops";
import type { GoldenCase } from "@plseg/test-kit";
import { add, mean, type Scalar, square, type Tensor1D, type Tensor5D } from "@tensorflow/tfjs-core";
import type { Tensors } from "./engines.js";

/** One entry of a reference state: its name, its stored shape, and by which formula it is filled. */
export type StateEntry = readonly [name: string, shape: readonly number[], kind: string];

/** A weight of the reference, in stored order, as a row of SPEC.md section 6.1: entry `k` of the state. */
function formulaWeight([, shape, kind]: StateEntry, k: number): Float32Array {
  const size = shape.reduce((product, length) => product * length, 1);
  const fan = shape.length > 1 ? size / (shape[0] as number) : size;
  const value: Record<string, (phase: number) => number> = {
    weight: (phase) => Math.sqrt(2 / fan) * Math.sin(phase),
    bias: (phase) => Math.sqrt(2 / fan) * Math.sin(phase),
    norm_weight: (phase) => 1 + 0.1 * Math.sin(phase),
    norm_bias: (phase) => 0.1 * Math.sin(phase),
    running_mean: () => 0,
    running_var: () => 1,
    num_batches_tracked: () => 0,
  };
  const formula = value[kind];
  if (!formula) throw new Error(`formulaWeight: there is no formula for "${kind}".`);
  return Float32Array.from({ length: size }, (_, i) => formula(0.7 * i + 1.3 * k + 0.1));
}

/**
 * Our name of a weight of the reference's U-Net.
 *
 * | reference | here |
 * | --- | --- |
 * | `in_conv`, `down<k>.maxpool_conv.1` | `encoder.0`, `encoder.<k>` |
 * | `up<k>.conv` | `decoder.<4 − k>` |
 * | `….conv_conv.0`, `.1`, `.4`, `.5` | `….0`, `.0.norm`, `.1`, `.1.norm` |
 * | `up<k>.conv1x1` | `decoder.<4 − k>.up` |
 * | `dsv<k>.dsv` or `dsv<k>`, `out_conv` | `head.<k − 1>`, `head.0` |
 */
export function ourName(reference: string): string {
  const layers: Record<string, string> = { "0": "0", "1": "0.norm", "4": "1", "5": "1.norm" };
  return reference
    .replace(/^in_conv\./, "encoder.0.")
    .replace(/^down(\d)\.maxpool_conv\.1\./, "encoder.$1.")
    .replace(/^up(\d)\.conv1x1\./, (_, k) => `decoder.${4 - Number(k)}.up.`)
    .replace(/^up(\d)\.conv\./, (_, k) => `decoder.${4 - Number(k)}.`)
    .replace(/^dsv(\d)(\.dsv)?\./, (_, k) => `head.${Number(k) - 1}.`)
    .replace(/^out_conv\./, "head.0.")
    .replace(/conv_conv\.(\d)\./, (_, layer) => `${layers[layer]}.`);
}

/** Whether this is the bias of a convolution before a batch norm, which our network does without. */
export const isCanceledBias = (reference: string): boolean => /conv_conv\.[04]\.bias$/.test(reference);

/** The state entry's batch norm: where the bias of a canceled one is folded into the running mean. */
export const runningMeanAfter = (bias: string): string =>
  bias.replace(/conv_conv\.([04])\.bias$/, (_, layer) => `conv_conv.${Number(layer) + 1}.running_mean`);

/** A reference U-Net rebuilt here with its formula weights. */
export interface ReferenceUnet {
  readonly network: Network;
  readonly layout: FlatLayout;
  readonly parameters: Float32Array;
  readonly buffers: Float32Array;
  /** The reference's biases that are folded into running means, by our name of that mean. */
  readonly foldedBiases: ReadonlyMap<string, Float32Array>;
}

/**
 * Builds the network of a case. The biases that it does without are subtracted from the running means.
 *
 * @param entries - The reference's state, given the layout of ours; that of the case's metadata unless told.
 */
export function referenceUnet(
  vectors: GoldenCase,
  options: Partial<PlSegUnetConfig> = {},
  entries: (layout: FlatLayout) => StateEntry[] = () => vectors.json<StateEntry[]>("state_dict"),
): ReferenceUnet {
  const features = vectors.json<number[]>("feature_chns");
  const network = plSegUnet({ classes: vectors.json<number>("class_num"), features, dropout: [0], ...options });
  const side = 2 ** (features.length - 1);
  const layout = flatLayout(listWeights(network, [1, side, side, side, 1]));

  const state = entries(layout);
  const values = new Map(state.map((entry, k) => [entry[0], formulaWeight(entry, k)]));
  const foldedBiases = new Map<string, Float32Array>();
  for (const [name, bias] of values) {
    if (!isCanceledBias(name)) continue;
    const mean = values.get(runningMeanAfter(name));
    if (!mean) throw new Error(`referenceUnet: no running mean follows ${name}.`);
    values.set(
      runningMeanAfter(name),
      mean.map((value, channel) => value - (bias[channel] as number)),
    );
    foldedBiases.set(ourName(runningMeanAfter(name)), bias);
  }
  const ours = [...values].filter(([name]) => !isCanceledBias(name) && !name.endsWith("num_batches_tracked"));
  const packed = layout.pack(new Map(ours.map(([name, value]) => [ourName(name), value])));
  return { network, layout, ...packed, foldedBiases };
}

/** Outputs and the next buffers of a run without dropout. Inputs: `image`, `parameters`, `buffers`. */
export function forward({ network, layout }: ReferenceUnet, inputs: Tensors): Tensors {
  const { weights } = flatWeights(layout, inputs.parameters as Tensor1D, inputs.buffers as Tensor1D);
  const outputs = network(weights, inputs.image as Tensor5D, { training: false });
  return Object.fromEntries(outputs.map((logits, k) => [`out${k + 1}`, logits]));
}

/** A training run: outputs, loss Σ mean(out²), next buffers, and gradients of the parameters (flat) and of the image. */
export function train({ network, layout }: ReferenceUnet, inputs: Tensors): Tensors {
  const image = inputs.image as Tensor5D;
  const store = flatWeights(layout, inputs.parameters as Tensor1D, inputs.buffers as Tensor1D);
  const { value, aux, gradients } = valueAndGradients(() => {
    const outputs = network(store.weights, image, { training: true });
    const value = outputs.map((logits) => mean<Scalar>(square(logits))).reduce((sum, term) => add<Scalar>(sum, term));
    const named = Object.fromEntries(outputs.map((logits, k) => [`out${k + 1}`, logits]));
    return { value, aux: { ...named, buffers: store.nextBuffers() } };
  }, [image, ...store.tensors]);
  const [gradImage, ...rest] = gradients;
  return { ...aux, loss: value, gradImage: gradImage as Tensor5D, gradParameters: store.packGradients(rest) };
}
