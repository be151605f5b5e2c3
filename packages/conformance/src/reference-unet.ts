import type { Network } from "@plseg/core";
import {
  flatLayout,
  importReferenceUnet,
  listWeights,
  plSegUnet,
  readSafetensors,
  referenceUnetState,
  type SafetensorsTensor,
  writeSafetensors,
} from "@plseg/models";
import type { GoldenCase } from "@plseg/test-kit";
import type { Tensor5D } from "@tensorflow/tfjs-core";
import { formulaWeights, type StateEntry } from "./formula-weights.js";
import type { ReferenceNetwork } from "./reference-network.js";

/** A {@link ReferenceNetwork} and its network as it is. */
export interface ReferenceUnet extends ReferenceNetwork {
  readonly network: Network;
}

/**
 * The state of a case's network as a safetensors file, as the reference would have saved it.
 *
 * @param state - That of the case's metadata unless told.
 */
export function referenceUnetFile(
  vectors: GoldenCase,
  state: readonly StateEntry[] = vectors.json<StateEntry[]>("state_dict"),
): Uint8Array {
  const shapes = new Map(state.map(([name, shape]) => [name, shape]));
  const tensors = [...formulaWeights(state)].map(([name, data]): [string, SafetensorsTensor] => {
    if (name.endsWith("num_batches_tracked")) return [name, { dtype: "I64", shape: [], data: BigInt64Array.of(7n) }];
    return [name, { dtype: "F32", shape: shapes.get(name) ?? [], data }];
  });
  return writeSafetensors(new Map(tensors));
}

/** The network of a case, its weights imported as a user imports them: {@link importReferenceUnet} tells what it is. */
export function referenceUnet(vectors: GoldenCase, state?: readonly StateEntry[]): ReferenceUnet {
  const { tensors } = readSafetensors(referenceUnetFile(vectors, state));
  const { config, weights } = importReferenceUnet(tensors);
  const network = plSegUnet({ ...config, dropout: [0] });
  const side = 2 ** (config.features.length - 1);
  const layout = flatLayout(listWeights(network, [1, side, side, side, 1]));
  const known = new Map(referenceUnetState(config).map(({ name, ours }) => [name, ours]));
  const foldedBiases = new Map<string, Float32Array>();
  for (const [name, ours] of known)
    if ("subtractFrom" in ours) foldedBiases.set(ours.subtractFrom, tensors.get(name)?.data as Float32Array);
  return {
    network,
    run: (weights, { image }, mode) => network(weights, image as Tensor5D, mode),
    layout,
    ...layout.pack(weights),
    ourName(name) {
      const ours = known.get(name);
      return ours && "weight" in ours ? ours.weight : undefined;
    },
    foldedBiases,
  };
}
