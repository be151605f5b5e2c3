import { readFileSync } from "node:fs";
import type { Network } from "@plseg/core";
import { conemos, dodnet, pipoFan, plSegUnet } from "@plseg/models";
import { describeNetwork } from "@plseg/train";
import { describe, expect, test } from "vitest";

/** The networks of the table in the README of @plseg/models, as it writes them. */
const networks: Readonly<Record<string, Network>> = {
  "plSegUnet({ classes: 17 })": plSegUnet({ classes: 17 }),
  "plSegUnet({ classes: 17, deepSupervision: false })": plSegUnet({ classes: 17, deepSupervision: false }),
  'plSegUnet({ classes: 17, upsample: "deconv" })': plSegUnet({ classes: 17, upsample: "deconv" }),
  "pipoFan({ classes: 17 })": pipoFan({ classes: 17 }),
  "dodnet({ classes: 17 })": dodnet({ classes: 17 }).allClasses,
  "conemos({ classes: 17 })": conemos({ classes: 17 }).allClasses,
};

const parameters = (call: string): number => describeNetwork(networks[call] as Network).layout.parameterCount;

describe("networks", () => {
  test("have as many parameters as the README of @plseg/models says", () => {
    const readme = readFileSync(new URL("../../models/README.md", import.meta.url), "utf8");
    const rows = readme.matchAll(/^\| `(\w+\(\{.*?\}\))` \|.*\| ([\d,]+) \|$/gm);
    const said = Object.fromEntries(Array.from(rows, ([, call, count]) => [call, Number(count?.replaceAll(",", ""))]));
    expect(said).toEqual(Object.fromEntries(Object.keys(networks).map((call) => [call, parameters(call)])));
  });

  test("have the published number of parameters, less the biases that a batch norm cancels", () => {
    expect(parameters("dodnet({ classes: 17 })")).toBe(17_328_529);
    // two convolutions per block: 16, 32, 64, 128 channels in the encoder and 64, 32, 16 in the decoder
    const canceled = 2 * (16 + 32 + 64 + 128 + 64 + 32 + 16);
    expect(parameters("conemos({ classes: 17 })")).toBe(1_431_793 - canceled);
    expect(parameters("plSegUnet({ classes: 17 })")).toBe(1_330_836 - canceled);
  });
});
