import "@plseg/test-kit";
import * as coclPackage from "@plseg/loss-cocl";
import * as hadflPackage from "@plseg/loss-hadfl";
import * as leafDicePackage from "@plseg/loss-leaf-dice";
import * as marginalPackage from "@plseg/loss-marginal";
import * as multiTalentPackage from "@plseg/loss-multitalent";
import * as psdPackage from "@plseg/loss-psd";
import * as talPackage from "@plseg/loss-tal";
import * as taskPackage from "@plseg/loss-task";
import { runReadmeExample } from "@plseg/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import * as losses from "./index.js";

describe("@plseg/losses", () => {
  test("exports what every loss package exports", () => {
    expect({ ...losses }).toEqual({
      ...coclPackage,
      ...hadflPackage,
      ...marginalPackage,
      ...psdPackage,
      ...leafDicePackage,
      ...multiTalentPackage,
      ...talPackage,
      ...taskPackage,
    });
  });

  test("runs the example of its README", async () => {
    const modules = { "@tensorflow/tfjs": tf, "@plseg/losses": losses };
    const readme = new URL("../README.md", import.meta.url);
    const { total, values } = await runReadmeExample(readme, modules, ["total", "values"]);
    for (const value of [total, ...(values as tf.Tensor[])])
      expect((value as tf.Tensor).dataSync()[0]).toBeGreaterThan(0);
  });
});
