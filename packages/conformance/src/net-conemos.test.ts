import { conemos } from "@plseg/models";
import { channelsLast, golden } from "@plseg/test-kit";
import { describe, test } from "vitest";
import { engines } from "./engines.js";
import { checkNetworkCase } from "./network-case.js";
import { referenceConditional, taskOf } from "./reference-conditional.js";

const vectors = golden("net_conemos");

/**
 * | reference | here |
 * | --- | --- |
 * | `condition_mlp.<2 k>` | `condition.<k>` |
 * | `in_conv`, `down<k>.conv` | `encoder.0`, `encoder.<k>` |
 * | `up<k>.conv` | `decoder.<4 − k>` |
 * | `….conv_<k>.0`, `.conv_<k>.1`, `.film_<k>.fc` | `….<k − 1>`, `.<k − 1>.norm`, `.<k − 1>.film` |
 * | `up<k>.conv1x1` | `decoder.<4 − k>.up` |
 * | `final_conv` | `head` |
 */
function ourName(reference: string): string | undefined {
  if (isCanceledBias(reference)) return undefined;
  return reference
    .replace(/^condition_mlp\.(\d)\./, (_, k) => `condition.${Number(k) / 2}.`)
    .replace(/^in_conv\./, "encoder.0.")
    .replace(/^down(\d)\.conv\./, "encoder.$1.")
    .replace(/^up(\d)\.conv1x1\./, (_, k) => `decoder.${4 - Number(k)}.up.`)
    .replace(/^up(\d)\.conv\./, (_, k) => `decoder.${4 - Number(k)}.`)
    .replace(/conv_(\d)\.0\./, (_, k) => `${Number(k) - 1}.`)
    .replace(/conv_(\d)\.1\./, (_, k) => `${Number(k) - 1}.norm.`)
    .replace(/film_(\d)\.fc\./, (_, k) => `${Number(k) - 1}.film.`)
    .replace(/^final_conv\./, "head.");
}

const isCanceledBias = (reference: string): boolean => /conv_\d\.0\.bias$/.test(reference);

const foldedBiases = (values: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> =>
  new Map(
    [...values]
      .filter(([name]) => isCanceledBias(name))
      .map(([name, bias]) => [ourName(name.replace(/0\.bias$/, "1.running_mean")) as string, bias]),
  );

describe.each(engines)("conemos, $name", ({ run }) => {
  test("agrees with case net_conemos", { timeout: 120_000 }, async () => {
    const network = conemos({
      classes: vectors.json<number>("size_condition_vector") + 1,
      features: vectors.json<number[]>("feature_chns"),
    });
    const reference = referenceConditional(network, vectors, { ourName, foldedBiases });
    await checkNetworkCase(run, vectors, reference, {
      image: channelsLast(vectors.array("input")),
      task: taskOf(vectors),
    });
  });
});
