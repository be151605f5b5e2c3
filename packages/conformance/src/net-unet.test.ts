import { channelsLast, golden } from "@plseg/test-kit";
import { describe, test } from "vitest";
import { engines } from "./engines.js";
import { checkNetworkCase } from "./network-case.js";
import { referenceUnet } from "./reference-unet.js";

const cases = ["net_progcon", "net_progcon_full", "net_progcon_5level", "net_progcon_deconv", "net_unet3d"];

describe.each(engines)("plSegUnet, $name", ({ run }) => {
  test.each(cases)("agrees with case %s", { timeout: 120_000 }, async (name) => {
    const vectors = golden(name);
    const unet = referenceUnet(vectors);
    await checkNetworkCase(run, vectors, unet, { image: channelsLast(vectors.array("input")) });
  });
});
