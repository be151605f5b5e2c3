import "@plseg/test-kit";
import * as coclPackage from "@plseg/loss-cocl";
import * as hadflPackage from "@plseg/loss-hadfl";
import * as psdPackage from "@plseg/loss-psd";
import { runReadmeExample } from "@plseg/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import * as losses from "./index.js";

describe("@plseg/losses", () => {
  test("exports what every loss package exports", () => {
    expect({ ...losses }).toEqual({ ...coclPackage, ...hadflPackage, ...psdPackage });
  });

  test("runs the example of its README", async () => {
    const modules = { "@tensorflow/tfjs": tf, "@plseg/losses": losses };
    const { total } = await runReadmeExample(new URL("../README.md", import.meta.url), modules, ["total"]);
    expect((total as tf.Tensor).dataSync()[0]).toBeGreaterThan(0);
  });
});
