import type { Network } from "@plseg/core";
import { type FlatLayout, flatWeights } from "@plseg/models";
import { softmax, type Tensor1D, type Tensor5D } from "@tensorflow/tfjs-core";
import type { TensorFunction } from "./engine.js";

/**
 * The forward pass of a network as it predicts: known statistics in the batch norms, no dropout, softmax at full
 * resolution. Its weights are inputs, so that training can validate with what it has without compiling again.
 *
 *     image [batch, depth, height, width, channel], parameters [parameterCount], buffers [bufferCount]
 *       →  probabilities [batch, depth, height, width, class]
 *
 * Compile it with `{ layout: "channels-first" }` for `image` and `outputLayouts: { probabilities: "channels-first" }`: then a
 * patch goes in and probabilities come out as {@link slidingWindow} has them.
 *
 * @param layout - Where each weight of the network lies in the two vectors.
 */
export function inferenceFunction(
  network: Network,
  layout: FlatLayout,
): TensorFunction<"image" | "parameters" | "buffers"> {
  return ({ image, parameters, buffers }) => {
    const { weights } = flatWeights(layout, parameters as Tensor1D, buffers as Tensor1D);
    const [logits] = network(weights, image as Tensor5D, { training: false });
    return { probabilities: softmax(logits as Tensor5D) };
  };
}
