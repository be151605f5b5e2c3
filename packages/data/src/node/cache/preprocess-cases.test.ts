import { mkdir, mkdtemp, open, readdir, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ResourceError, type Size3D, spacingOf } from "@plseg/core";
import FileSystemStore from "@zarrita/storage/fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import * as zarr from "zarrita";
import { patchSampler } from "../../patch-sampler.js";
import { scanRange } from "../../scan-window.js";
import { windowIntensity } from "../../window-intensity.js";
import type { Dataset, DatasetCase } from "../dataset.js";
import { loadCase } from "../load-case.js";
import { writePhantomDataset } from "../write-phantom-dataset.js";
import { type CachedCase, cachedSource, readCachedCase } from "./cached-case.js";
import { preprocessCases } from "./preprocess-cases.js";

/** Of the phantoms here. */
let spacing: Size3D;
let root = "";
let dataset: Dataset;
let cases: CachedCase[];
const WINDOW = { level: 40, width: 400 };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-cache-"));
  dataset = await writePhantomDataset({ out: join(root, "data"), cases: 3, size: [20, 40, 36], annotated: 2, seed: 1 });
  spacing = [9, 8, 8];
  cases = await preprocess("cache");
});
afterAll(() => rm(root, { recursive: true, force: true }));

const preprocess = (name: string, to: Size3D = spacing, data = dataset): Promise<CachedCase[]> =>
  preprocessCases({ dataset: data, cases: data.training, spacing: to, cache: join(root, name) });

const written = async (entry: CachedCase | undefined): Promise<number> =>
  (await stat(join(entry?.folder ?? "", "image", "c", "0", "0", "0"))).mtimeMs;

describe("preprocessCases", () => {
  test("stores cases that other programs read as Zarr v3", async () => {
    for (const entry of cases) {
      const { image, labels } = readCachedCase(entry);
      const store = zarr.root(new FileSystemStore(entry.folder));
      const stored = await zarr.get(await zarr.open.v3(store.resolve("image"), { kind: "array" }));
      const map = await zarr.get(await zarr.open.v3(store.resolve("labels"), { kind: "array" }));
      const places = await zarr.get(await zarr.open.v3(store.resolve("places"), { kind: "array" }));
      expect(stored.shape).toEqual(entry.shape);
      expect(Float32Array.from(stored.data as Int16Array)).toEqual(image.data);
      expect(map.data).toEqual(labels.data);
      const found = [...(places.data as Uint32Array)].map((place) => labels.data[place]);
      expect(found).toEqual(entry.placeCounts.flatMap((count, label) => new Array(count).fill(label)));
    }
  });

  test("stores the voxels of a scan exactly where the spacing is the scan's own", async () => {
    const [first] = dataset.training;
    if (!first) throw new Error("no case");
    const { image } = await loadCase(dataset, first);
    const own = spacingOf(image.affine);
    const [entry] = await preprocess("own", own);
    if (!entry) throw new Error("no case");
    const part = readCachedCase(entry).image;
    // Where the first voxel of the part lies in the scan.
    const from = [2, 1, 0].map((axis) =>
      Math.round(
        ((part.affine[4 * axis + 3] as number) - (image.affine[4 * axis + 3] as number)) / (own[2 - axis] as number),
      ),
    ) as [number, number, number];
    const [depth, height, width] = part.shape;
    const expected = Float32Array.from(part.data, (_, i) => {
      const [z, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
      return image.data[((z + from[0]) * image.shape[1] + y + from[1]) * image.shape[2] + x + from[2]] as number;
    });
    expect(depth).toBeGreaterThan(0);
    expect(part.data).toEqual(expected);
  });

  test("gives the same patches as the cases in memory, from chunks", () => {
    const inMemory = cases.map((entry) => {
      const { image, labels } = readCachedCase(entry);
      const { id, shape, annotated } = entry;
      return { id, shape, annotated, image: windowIntensity(image, WINDOW), labels: labels.data };
    });
    const options = { patchSize: [40, 24, 8] as const, batch: 3, foreground: 0.5, seed: 4 };
    const stored = patchSampler({ ...options, cases: cases.map((entry) => cachedSource(entry, WINDOW)) });
    const held = patchSampler({ ...options, cases: inMemory });
    for (let step = 0; step < 4; step++) expect(stored.sample(step)).toEqual(held.sample(step));
  });

  test("takes each scan from the lowest to the highest value that it has as a whole", async () => {
    const [entry] = cases;
    if (!entry) throw new Error("no case");
    const { image: scan } = await loadCase(dataset, dataset.training[0] as DatasetCase);
    expect(entry.range).toEqual(scanRange(scan));
    const [low, high] = entry.range;
    const { data } = readCachedCase(entry).image;
    const { image } = cachedSource(entry, "scan-range").read([0, 0, 0], entry.shape);
    for (const [i, value] of image.entries())
      expect(value).toBeCloseTo((2 * ((data[i] as number) - low)) / (high - low) - 1, 5);
  });

  test("leaves cases that are ready as they are, makes those that are missing, cut short or stale", async () => {
    const [first, second, third] = await preprocess("again");
    const times = await Promise.all([first, second, third].map(written));
    await rm(second?.folder ?? "", { recursive: true });
    await mkdir(`${third?.folder}.part-999999999-abcd`); // of a process that is gone
    const image = dataset.training[2]?.image ?? "";
    await utimes(image, new Date(), new Date()); // touched, with the content it had
    await preprocess("again");
    const later = await Promise.all([first, second, third].map(written));
    expect(later[0]).toBe(times[0]);
    expect(later[1]).toBeGreaterThan(times[1] ?? 0);
    expect(later[2]).toBe(times[2]);
    expect(await readdir(join(root, "again", "9x8x8mm"))).toEqual(["case_0001", "case_0002", "case_0003"]);

    const otherwise = { ...dataset, training: dataset.training.map((entry) => ({ ...entry })) };
    const changed = otherwise.training[0];
    if (changed) otherwise.training[0] = { ...changed, annotated: changed.annotated.map((_, index) => index === 0) };
    const [rebuilt] = await preprocess("again", spacing, otherwise);
    expect(await written(first)).toBeGreaterThan(times[0] ?? 0);
    expect(rebuilt?.placeCounts.every((count) => count === 0)).toBe(true);
  });

  test("keeps caches of other spacings apart", async () => {
    const times = await Promise.all(cases.map(written));
    const [coarse] = await preprocess("cache", [18, 16, 16]);
    expect(coarse?.spacing.map(Math.round)).toEqual([18, 16, 16]);
    expect(await Promise.all(cases.map(written))).toEqual(times);
  });

  test("names the case and the file that is damaged", async () => {
    const [entry] = await preprocess("damaged");
    if (!entry) throw new Error("no case");
    await truncate(join(entry.folder, "image", "c", "0", "0", "0"), 1000);
    const sampler = patchSampler({ cases: [cachedSource(entry, WINDOW)], patchSize: [8, 8, 8] });
    expect(() => sampler.sample(0)).toThrow(
      /^case case_0001: .*image\/c\/0\/0\/0 is cut short or damaged. Delete its case/,
    );
  });

  test("stops between two cases and goes on with what is missing", async () => {
    const stop = new AbortController();
    const started = preprocessCases({
      dataset,
      cases: dataset.training,
      spacing,
      cache: join(root, "stopped"),
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("enough")),
    });
    await expect(started).rejects.toThrow("enough");
    expect(await readdir(join(root, "stopped", "9x8x8mm"))).toEqual(["case_0001"]);
    expect(await preprocess("stopped")).toHaveLength(3);
  });

  test("says that the disk is full, and leaves the cases that were ready and nothing half-written", async () => {
    const [first] = await preprocess("full");
    await rm(join(root, "full", "9x8x8mm", "case_0002"), { recursive: true });
    const handle = await open(join(root, "any"), "w");
    const prototype: { writeFile: (content: unknown) => Promise<void> } = Object.getPrototypeOf(handle);
    await handle.close();
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const spy = vi.spyOn(prototype, "writeFile").mockRejectedValue(full);
    const failed = preprocess("full");
    await expect(failed).rejects.toThrow(ResourceError);
    await expect(failed).rejects.toThrow(/case_0002 could not be written: the disk is full. Free some space/);
    spy.mockRestore();
    expect(await readdir(join(root, "full", "9x8x8mm"))).toEqual(["case_0001", "case_0003"]);
    expect((await preprocess("full"))[0]).toEqual(first);
  });

  test("says when the cache cannot be written", async () => {
    await writeFile(join(root, "file"), "");
    await expect(preprocess("file")).rejects.toThrow(
      /preprocessCases: .*case_0001 could not be written: a part of the path is a file, not a folder./,
    );
  });
});
