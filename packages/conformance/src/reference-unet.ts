import type { Network } from "@plseg/core";
import { type FlatLayout, flatLayout, listWeights, type PlSegUnetConfig, plSegUnet } from "@plseg/models";
import type { GoldenCase } from "@plseg/test-kit";
import type { Tensor5D } from "@tensorflow/tfjs-core";
import type { StateEntry } from "./formula-weights.js";
import { type ReferenceNetwork, referenceNetwork } from "./reference-network.js";

/**
 * Our name of a weight of the reference's U-Net.
 *
 * | reference | here |
 * | --- | --- |
 * | `in_conv`, `down<k>.maxpool_conv.1` | `encoder.0`, `encoder.<k>` |
 * | `up<k>.conv` | `decoder.<4 − k>` |
 * | `….conv_conv.0`, `.1`, `.4`, `.5` | `….0`, `.0.norm`, `.1`, `.1.norm` |
 * | `up<k>.conv1x1` or `up<k>.up` | `decoder.<4 − k>.up` |
 * | `dsv<k>.dsv` or `dsv<k>`, `out_conv` | `head.<k − 1>`, `head.0` |
 */
export function ourUnetName(reference: string): string | undefined {
  if (isCanceledBias(reference)) return undefined;
  const layers: Record<string, string> = { "0": "0", "1": "0.norm", "4": "1", "5": "1.norm" };
  return reference
    .replace(/^in_conv\./, "encoder.0.")
    .replace(/^down(\d)\.maxpool_conv\.1\./, "encoder.$1.")
    .replace(/^up(\d)\.(?:conv1x1|up)\./, (_, k) => `decoder.${4 - Number(k)}.up.`)
    .replace(/^up(\d)\.conv\./, (_, k) => `decoder.${4 - Number(k)}.`)
    .replace(/^dsv(\d)(\.dsv)?\./, (_, k) => `head.${Number(k) - 1}.`)
    .replace(/^out_conv\./, "head.0.")
    .replace(/conv_conv\.(\d)\./, (_, layer) => `${layers[layer]}.`);
}

/** Whether this is the bias of a convolution before a batch norm, which our network does without. */
const isCanceledBias = (reference: string): boolean => /conv_conv\.[04]\.bias$/.test(reference);

/** The running mean behind a canceled bias. Other names stay as they are. */
export const runningMeanAfter = (bias: string): string =>
  bias.replace(/conv_conv\.([04])\.bias$/, (_, layer) => `conv_conv.${Number(layer) + 1}.running_mean`);

/** A {@link ReferenceNetwork} and its network as it is. */
export interface ReferenceUnet extends ReferenceNetwork {
  readonly network: Network;
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
  const reference = referenceNetwork(
    (weights, { image }, mode) => network(weights, image as Tensor5D, mode),
    layout,
    entries(layout),
    {
      ourName: ourUnetName,
      foldedBiases: (values) =>
        new Map(
          [...values]
            .filter(([name]) => isCanceledBias(name))
            .map(([name, bias]) => [ourUnetName(runningMeanAfter(name)) as string, bias]),
        ),
    },
  );
  return { ...reference, network };
}
