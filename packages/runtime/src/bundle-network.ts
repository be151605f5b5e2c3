import type { Network } from "@plseg/core";
import { plSegUnet } from "@plseg/models";
import { add, mul, type Tensor5D } from "@tensorflow/tfjs-core";
import type { BundleNetwork } from "./bundle-manifest.js";

/**
 * The network of a bundle, for images between −1 and 1, as its window gives them: where it has learned from another range,
 * the image is brought to that first.
 *
 * @param classes - Their number, the background included.
 */
export function bundleNetwork(
  { features, dropout, inChannels, deepSupervision, upsample = "trilinear", imageRange = [-1, 1] }: BundleNetwork,
  classes: number,
): Network {
  const network = plSegUnet({ classes, features, dropout, inChannels, deepSupervision, upsample });
  const [low, high] = imageRange;
  if (low === -1 && high === 1) return network;
  const [scale, shift] = [(high - low) / 2, (high + low) / 2];
  return (weights, image, mode) => network(weights, add<Tensor5D>(mul(image, scale), shift), mode);
}
