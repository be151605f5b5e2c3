import type { Network } from "@plseg/core";
import { plSegUnet } from "@plseg/models";
import type { RunConfig } from "./run-config.js";

/** The network of a run. */
export function runNetwork({ classes, features, dropout, deepSupervision }: RunConfig): Network {
  return plSegUnet({ classes: classes.length, features, dropout, deepSupervision });
}
