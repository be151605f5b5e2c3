import type { ConditionalNetwork } from "@plseg/core";
import type { GoldenCase } from "@plseg/test-kit";
import { describeNetwork } from "@plseg/train";
import { type Tensor, type Tensor2D, type Tensor5D, tensor2d } from "@tensorflow/tfjs-core";
import type { StateEntry } from "./formula-weights.js";
import { type ReferenceNetwork, referenceNetwork, type WeightNames } from "./reference-network.js";

/** The network of a case as it is trained: one organ per sample. Inputs: `image` and `task`. */
export function referenceConditional(
  { oneTask, allClasses }: ConditionalNetwork,
  vectors: GoldenCase,
  names: WeightNames,
): ReferenceNetwork {
  return referenceNetwork(
    (weights, { image, task }, mode) => [oneTask(weights, image as Tensor5D, task as Tensor2D, mode)],
    describeNetwork(allClasses).layout,
    vectors.json<StateEntry[]>("state_dict"),
    names,
  );
}

/** The task vectors of a case, `[batch, organ]`, with a column of zeros for the background in front. */
export function taskOf(vectors: GoldenCase): Tensor {
  const { shape, data } = vectors.array("input_1");
  const [batch = 0, organs = 0] = shape;
  const row = (sample: number): number[] =>
    Array.from((data as BigInt64Array).slice(sample * organs, (sample + 1) * organs), Number);
  return tensor2d(Array.from({ length: batch }, (_, sample) => [0, ...row(sample)]));
}
