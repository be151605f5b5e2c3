import { DataError, type Network, type Size3D } from "@plseg/core";
import { trace } from "@plseg/onnx";
import { softmax, type Tensor5D } from "@tensorflow/tfjs-core";
import { storedWeights } from "./stored-weights.js";

/** Options of {@link exportModel}. */
export interface ExportModelOptions {
  /** The network that the weights belong to. */
  readonly network: Network;
  /** Every parameter and buffer by name, each in stored order (PyTorch's). */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** Voxels along depth, height, width: the fixed size of the model's input. */
  readonly patchSize: Size3D;
  /** Image channels; 1 unless told. */
  readonly inChannels?: number;
}

/**
 * A trained network as an ONNX file that predicts: input `image` `[1, channel, depth, height, width]`, output `probabilities`
 * `[1, class, depth, height, width]` at full resolution, weights as constants.
 *
 * @throws DataError if a weight is missing, has another size, or belongs to no place in the network.
 */
export function exportModel({
  network,
  weights,
  patchSize,
  inChannels = 1,
}: ExportModelOptions): Uint8Array<ArrayBuffer> {
  const stored = storedWeights(weights);
  const { model } = trace(
    ({ image }) => {
      const [logits] = network(stored.weights, image as Tensor5D, { training: false });
      return { probabilities: softmax(logits as Tensor5D) };
    },
    { image: { shape: [1, ...patchSize, inChannels], layout: "channels-first" } },
    { outputLayouts: { probabilities: "channels-first" }, target: "gpu" }, // runs on every provider
  );
  const [stranger] = stored.unused();
  if (stranger !== undefined) throw new DataError(`exportModel: the network has no weight "${stranger}".`);
  return model;
}
