import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runReadmeExample } from "@plseg/test-kit";
import { expect, test } from "vitest";
import * as data from "./index.js";
import * as node from "./node/index.js";

test("the README has an example that runs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "plseg-data-"));
  try {
    const { problems, dataset, image, labels, annotated } = await runReadmeExample(
      new URL("../README.md", import.meta.url),
      { "@plseg/data": data, "@plseg/data/node": node, "./my-folders.js": { folder } },
      ["problems", "dataset", "image", "labels", "annotated"],
    );
    expect(problems).toEqual([]);
    expect((dataset as node.Dataset).training).toHaveLength(3);
    const patches = 2 * 16 * 24 * 24;
    expect([image, labels, annotated].map((array) => (array as Float32Array).length)).toEqual([
      patches,
      patches,
      2 * 7,
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
