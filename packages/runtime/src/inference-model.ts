import { DataError, type Network, type Size3D } from "@plseg/core";
import { type TracedModel, trace } from "@plseg/onnx";
import { softmax, type Tensor5D, transpose } from "@tensorflow/tfjs-core";
import { storedWeights } from "./stored-weights.js";

/** Options of {@link inferenceModel}. */
export interface InferenceModelOptions {
  /** The network that the weights belong to. */
  readonly network: Network;
  /** Every parameter and buffer by name, each in stored order (PyTorch's). */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** Voxels along depth, height, width. */
  readonly patchSize: Size3D;
  /** Image channels; 1 unless told. */
  readonly inChannels?: number;
  /** Patches at a time; 1 unless told. */
  readonly batch?: number;
  /**
   * What comes out: `volumes` `probabilities` `[batch, class, depth, height, width]`, or `slices` `[1, slices, class, height,
   * width]`, a few at a time of one patch after the other, which takes the CPU far less memory; `rounded slices` the same in
   * 16 bits.
   */
  readonly answer: "volumes" | "slices" | "rounded slices";
  /** Whether it must run on every provider, or is for the CPU alone. */
  readonly target: "cpu" | "gpu";
}

/**
 * A network with its weights as an ONNX graph that predicts: `image` `[batch, channel, depth, height, width]` goes in,
 * probabilities at full resolution come out.
 *
 * @param caller - Name of the function that asks, for messages.
 * @throws DataError if a weight is missing, has another size, or belongs to no place in the network.
 */
export function inferenceModel(
  caller: string,
  { network, weights, patchSize, inChannels = 1, batch = 1, answer, target }: InferenceModelOptions,
): TracedModel {
  const stored = storedWeights(weights);
  const inSlices = answer !== "volumes";
  const traced = trace(
    ({ image }) => {
      const [logits] = network(stored.weights, image as Tensor5D, { training: false });
      const probabilities = softmax(logits as Tensor5D);
      return { probabilities: inSlices ? transpose(probabilities, [0, 1, 4, 2, 3]) : probabilities };
    },
    { image: { shape: [batch, ...patchSize, inChannels], layout: "channels-first" } },
    {
      target,
      streamed: inSlices,
      ...(!inSlices && { outputLayouts: { probabilities: "channels-first" } }),
      ...(answer === "rounded slices" && { rounded: ["probabilities"] }),
    },
  );
  const [stranger] = stored.unused();
  if (stranger !== undefined) throw new DataError(`${caller}: the network has no weight "${stranger}".`);
  return traced;
}
