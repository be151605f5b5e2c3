import { pipoFan } from "@plseg/models";
import { channelsLast, golden } from "@plseg/test-kit";
import { describeNetwork } from "@plseg/train";
import type { Tensor5D } from "@tensorflow/tfjs-core";
import { describe, test } from "vitest";
import { engines } from "./engines.js";
import type { StateEntry } from "./formula-weights.js";
import { checkNetworkCase } from "./network-case.js";
import { referenceNetwork } from "./reference-network.js";
import { pipoFanNames } from "./reference-pipo-fan.js";

const cases = [
  { name: "net_pipo", fusion: false },
  { name: "net_pipo_w", fusion: true },
];

describe.each(engines)("pipoFan, $name", ({ run }) => {
  test.each(cases)("agrees with case $name", { timeout: 300_000 }, async ({ name, fusion }) => {
    const vectors = golden(name);
    const network = pipoFan({ classes: vectors.json<number>("class_num"), fusion });
    const reference = referenceNetwork(
      (weights, { image }, mode) => network(weights, image as Tensor5D, mode).reverse(), // there: coarsest first
      describeNetwork(network).layout,
      vectors.json<StateEntry[]>("state_dict"),
      pipoFanNames,
    );
    await checkNetworkCase(run, vectors, reference, { image: channelsLast(vectors.array("input")) });
  });
});
