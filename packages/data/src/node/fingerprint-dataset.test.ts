import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fingerprintDataset } from "./fingerprint-dataset.js";
import { loadCase } from "./load-case.js";
import { writePhantomDataset } from "./write-phantom-dataset.js";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-fingerprint-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test("fingerprintDataset keeps its answer while no file and no annotation has changed", async () => {
  const dataset = await writePhantomDataset({ out: join(root, "kept"), cases: 2, size: 20, annotated: 2, seed: 1 });
  const read: number[] = [];
  const options = { cache: join(root, "cache"), onProgress: (done: number): number => read.push(done) };
  const first = await fingerprintDataset(dataset, options);
  expect(await fingerprintDataset(dataset, options)).toEqual(first);
  expect(read).toEqual([1, 2]);
  const [one, two] = dataset.training;
  if (!one || !two) throw new Error("no case");
  const other = { ...dataset, training: [{ ...one, annotated: one.annotated.map(() => true) }, two] };
  await fingerprintDataset(other, options);
  expect(read).toEqual([1, 2, 1, 2]);
});

test("fingerprintDataset counts each class where it is annotated, and knows its intensities", async () => {
  const dataset = await writePhantomDataset({ out: join(root, "data"), cases: 3, size: 24, annotated: 2, seed: 1 });
  const { cases, classes, intensity } = await fingerprintDataset(dataset);
  expect(cases.map(({ id }) => id)).toEqual(dataset.training.map(({ id }) => id));

  const voxels = new Map<string, number>();
  const values: number[] = [];
  for (const entry of dataset.training) {
    const { image, labels } = await loadCase(dataset, entry);
    for (const [i, label] of labels?.data.entries() ?? []) {
      const name = dataset.classes.names[label] ?? "";
      voxels.set(name, (voxels.get(name) ?? 0) + 1);
      if (label > 0) values.push(image.data[i] as number);
    }
  }
  expect(classes).toEqual(
    dataset.classes.foreground.map((name) => ({
      name,
      annotatedCases: 1,
      presentCases: voxels.has(name) ? 1 : 0,
      voxels: voxels.get(name) ?? 0,
    })),
  );
  const mean = values.reduce((sum, value) => sum + value) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  expect(intensity?.mean).toBeCloseTo(mean, 3);
  expect(intensity?.deviation).toBeCloseTo(deviation, 3);
  expect(values.filter((value) => value < (intensity?.percentile00_5 ?? 0)).length / values.length).toBeCloseTo(
    0.005,
    3,
  );
  expect(values.filter((value) => value > (intensity?.percentile99_5 ?? 0)).length / values.length).toBeCloseTo(
    0.005,
    3,
  );
});
