import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataError, ResourceError } from "@plseg/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CachedCase } from "./cache/cached-case.js";
import { preprocessCases } from "./cache/preprocess-cases.js";
import { cachedSampler } from "./cached-sampler.js";
import { type PatchLoaderOptions, patchLoader } from "./patch-loader.js";
import { writePhantomDataset } from "./write-phantom-dataset.js";

let root = "";
let cases: CachedCase[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-loader-"));
  const dataset = await writePhantomDataset({ out: join(root, "data"), cases: 3, size: 24, annotated: 2, seed: 1 });
  cases = await preprocessCases({
    dataset,
    cases: dataset.training,
    spacing: [12, 12, 12],
    cache: join(root, "cache"),
  });
});
afterAll(() => rm(root, { recursive: true, force: true }));

const options = (more: Partial<PatchLoaderOptions> = {}): PatchLoaderOptions => ({
  cases,
  intensity: { level: 40, width: 400 },
  patchSize: [16, 8, 8],
  batch: 3,
  seed: 5,
  foreground: 0.5,
  augmentation: {},
  ...more,
});

describe("patchLoader", () => {
  test.each([0, 1, 2])("gives with %d workers the batches of the sampler, from any step on", async (workers) => {
    const loader = patchLoader(options({ workers, steps: 12 }));
    const sampler = cachedSampler(options());
    try {
      for (const step of [0, 1, 2, 7, 8, 9, 10, 11]) expect(await loader.sample(step)).toEqual(sampler.sample(step));
    } finally {
      await loader.close();
    }
  });

  test("names the case and file that cannot be read, with and without workers", async () => {
    const copy = await preprocessedAgain("broken");
    await truncate(join(copy[0]?.folder ?? "", "labels", "c", "0", "0", "0"), 10);
    for (const workers of [0, 1]) {
      const loader = patchLoader(options({ cases: copy.slice(0, 1), workers }));
      const failed = loader.sample(0);
      await expect(failed).rejects.toThrow(DataError);
      await expect(failed).rejects.toThrow(/^case case_0001: .*labels\/c\/0\/0\/0 is cut short or damaged/);
      await loader.close();
    }
  });

  test("says that a worker ran out of memory, and at which case", async () => {
    const loader = patchLoader(options({ workers: 1, resourceLimits: { maxOldGenerationSizeMb: 2 } }));
    const failed = loader.sample(0);
    await expect(failed).rejects.toThrow(ResourceError);
    await expect(failed).rejects.toThrow(
      /^patchLoader: a worker thread ended while it drew a patch of case case_000\d \(step 1\): .*memory.* Choose fewer workers/,
    );
    await expect(loader.sample(1)).rejects.toThrow(/memory/);
    await loader.close();
  });

  test("rejects what was asked for when it is closed", async () => {
    const loader = patchLoader(options({ workers: 1 }));
    const asked = expect(loader.sample(0)).rejects.toThrow("patchLoader: it was closed");
    await loader.close();
    await asked;
    await expect(loader.sample(1)).rejects.toThrow("patchLoader: it was closed");
  });

  test("refuses half a worker", () => {
    expect(() => patchLoader(options({ workers: 0.5 }))).toThrow(
      "patchLoader: workers must be a whole number of at least 0, got 0.5.",
    );
  });
});

async function preprocessedAgain(name: string): Promise<CachedCase[]> {
  const dataset = await writePhantomDataset({ out: join(root, name), cases: 1, size: 24, annotated: 2, seed: 1 });
  return preprocessCases({
    dataset,
    cases: dataset.training,
    spacing: [12, 12, 12],
    cache: join(root, `${name}-cache`),
  });
}
