import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LabelMap } from "@plseg/core";
import * as data from "@plseg/data";
import * as models from "@plseg/models";
import { runReadmeExample } from "@plseg/test-kit";
import { expect, test } from "vitest";
import * as runtime from "./index.js";
import * as node from "./node/index.js";

test("the README has an example that runs", async () => {
  const root = await mkdtemp(join(tmpdir(), "plseg-runtime-"));
  try {
    const { passed, labels, scan } = await runReadmeExample(
      new URL("../README.md", import.meta.url),
      {
        "@plseg/data": data,
        "@plseg/models": models,
        "@plseg/runtime": runtime,
        "@plseg/runtime/node": node,
        "./my-folders.js": { folder: join(root, "bundle") },
      },
      ["passed", "labels", "scan"],
    );
    expect(passed).toBe(true);
    expect((labels as LabelMap).shape).toEqual([16, 20, 24]);
    expect((labels as LabelMap).affine).toEqual((scan as LabelMap).affine);
    expect([...new Set((labels as LabelMap).data)].every((value) => [0, 1, 5].includes(value))).toBe(true);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
