import { type InferenceModelOptions, inferenceModel } from "./inference-model.js";

/** Options of {@link exportModel}. */
export type ExportModelOptions = Pick<InferenceModelOptions, "network" | "weights" | "patchSize" | "inChannels">;

/**
 * A trained network as an ONNX file that predicts on every provider: input `image` `[1, channel, depth, height, width]`, output
 * `probabilities` `[1, class, depth, height, width]` at full resolution, weights as constants.
 *
 * @throws DataError if a weight is missing, has another size, or belongs to no place in the network.
 */
export function exportModel(options: ExportModelOptions): Uint8Array<ArrayBuffer> {
  return inferenceModel("exportModel", { ...options, answer: "volumes", target: "gpu" }).model;
}
