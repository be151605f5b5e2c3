import { DataError } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { importReferenceUnet } from "./import-reference-unet.js";
import { referenceUnetState } from "./reference-unet-state.js";
import type { SafetensorsTensor } from "./safetensors.js";

const config = {
  classes: 3,
  inChannels: 1,
  features: [1, 2, 3, 4],
  deepSupervision: true,
  upsample: "trilinear",
} as const;

/** The reference's state for a configuration: weight k is filled with k. */
function stateOf(options: Parameters<typeof referenceUnetState>[0] = config): Map<string, SafetensorsTensor> {
  return new Map(
    referenceUnetState(options).map(({ name, shape }, k) => {
      const size = shape.reduce((product, side) => product * side, 1);
      return [name, { dtype: "F32", shape, data: new Float32Array(size).fill(k) }];
    }),
  );
}

const renamed = (
  state: ReadonlyMap<string, SafetensorsTensor>,
  name: (name: string) => string,
): Map<string, SafetensorsTensor> => new Map([...state].map(([key, tensor]) => [name(key), tensor]));

describe("importReferenceUnet", () => {
  test.each([
    config,
    { ...config, upsample: "deconv" as const },
    { ...config, features: [1, 1, 2, 2, 3], inChannels: 2 },
    { ...config, deepSupervision: false },
  ])("tells the configuration from the weights: %j", (options) => {
    expect(importReferenceUnet(stateOf(options)).config).toEqual(options);
  });

  test("subtracts a bias before a norm from the running mean behind it", () => {
    // In order of the state: 0 kernel, 1 its bias, 2 and 3 weight and bias of the norm, 4 running mean, 5 variance.
    const { weights } = importReferenceUnet(stateOf());
    expect(weights.get("encoder.0.0.weight")).toEqual(new Float32Array(27).fill(0));
    expect(weights.get("encoder.0.0.norm.running_mean")).toEqual(Float32Array.of(4 - 1));
    expect(weights.get("encoder.0.0.norm.running_var")).toEqual(Float32Array.of(5));
    expect(weights.has("encoder.0.0.bias")).toBe(false);
  });

  test("takes names of DataParallel and torch.compile, and leaves counters out", () => {
    const state = stateOf();
    const counter = { dtype: "I64", shape: [], data: BigInt64Array.of(3n) } as const;
    state.set("in_conv.conv_conv.1.num_batches_tracked", counter);
    const wrapped = renamed(state, (name) => `_orig_mod.module.${name}`);
    expect(importReferenceUnet(wrapped)).toEqual(importReferenceUnet(stateOf()));
  });

  test("says which weights are missing, unknown or misshapen, with the nearest name", () => {
    const state = stateOf();
    const scale = state.get("up3.conv.conv_conv.1.weight") as SafetensorsTensor;
    state.delete("up3.conv.conv_conv.1.weight");
    state.set("up3.conv.conv_conv.1.weigth", scale);
    state.set("down2.maxpool_conv.1.conv_conv.5.bias", scale);
    expect(() => importReferenceUnet(state)).toThrow(DataError);
    expect(() => importReferenceUnet(state)).toThrow(
      'the weights do not fit UNet3D_ProgCon: missing "up3.conv.conv_conv.1.weight" Did you mean "up3.conv.conv_conv.1.weigth"?; unknown "up3.conv.conv_conv.1.weigth"; of another shape "down2.maxpool_conv.1.conv_conv.5.bias" [2] instead of [3].',
    );
  });

  test("says that weights are of another network", () => {
    const state = renamed(stateOf(), (name) => name.replace("in_conv", "inconv"));
    expect(() => importReferenceUnet(state)).toThrow(
      'there is no "in_conv.conv_conv.0.weight". Did you mean "inconv.conv_conv.0.weight"? Found 98 weights: inconv.conv_conv.0.weight, ',
    );
    expect(() => importReferenceUnet(new Map())).toThrow("Found 0 weights");
    expect(() => importReferenceUnet(stateOf({ ...config, features: [1, 2, 3, 4, 5, 6] }))).toThrow("have 6");
  });
});
