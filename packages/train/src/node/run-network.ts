import type { Network } from "@plseg/core";
import { type BundleNetwork, bundleNetwork } from "@plseg/runtime";
import type { RunConfig } from "./run-config.js";

/** The network of a run, as a bundle describes it. */
export function runNetworkDescription({
  features,
  dropout,
  deepSupervision,
  upsample,
  imageRange,
}: Pick<RunConfig, "features" | "dropout" | "deepSupervision" | "upsample" | "imageRange">): BundleNetwork {
  return {
    ...{ kind: "plSegUnet", features, dropout, inChannels: 1, deepSupervision },
    ...(upsample && { upsample }),
    ...(imageRange && { imageRange }),
  };
}

/** The network of a run. */
export const runNetwork = (config: RunConfig): Network =>
  bundleNetwork(runNetworkDescription(config), config.classes.length);
