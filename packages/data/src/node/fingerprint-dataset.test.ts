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
      presentCases: 1,
      voxels: voxels.get(name),
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
