import * as core from "@plseg/core";
import { runReadmeExample } from "@plseg/test-kit";
import { describe, expect, test } from "vitest";
import * as metrics from "./index.js";

describe("README", () => {
  test("has an example that runs and gives what it says", async () => {
    const { scores, summary, distance } = await runReadmeExample(
      new URL("../README.md", import.meta.url),
      { "@plseg/core": core, "@plseg/metrics": metrics },
      ["scores", "summary", "distance"],
    );
    expect(scores).toMatchObject([
      { class: "liver", state: "present", predictedVoxels: 5, referenceVoxels: 4 },
      { class: "spleen", state: "unannotated", scores: { dice: null }, predictedVoxels: 1 },
    ]);
    const { classes } = summary as metrics.Summary;
    expect(classes.liver?.dice).toEqual({
      mean: expect.closeTo(0.889, 3),
      median: expect.closeTo(0.889, 3),
      cases: 1,
      interval: null,
    });
    // nine distances, eight of them 0 and one of 1 mm: rank 0.95 · 8 = 7.6
    expect(distance).toBeCloseTo(0.6, 12);
  });
});
