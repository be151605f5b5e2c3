import { runReadmeExample } from "@plseg/test-kit";
import { expect, test } from "vitest";
import * as core from "./index.js";

test("the README has an example that runs", async () => {
  const { spleen, state, slices, rows, columns, order, weight } = await runReadmeExample(
    new URL("../README.md", import.meta.url),
    { "@plseg/core": core },
    ["spleen", "state", "slices", "rows", "columns", "order", "weight"],
  );
  expect([spleen, state]).toEqual([2, "unannotated"]);
  expect([slices, rows, columns]).toEqual([3, 0.8, 0.8]);
  expect([...(order as string[])].sort()).toEqual(["case_0001", "case_0002", "case_0003"]);
  expect(weight).toBeCloseTo(0.1 * Math.exp(-5 * 0.7 ** 2), 12);
});
