import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Affine, Random, type Volume } from "@plseg/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canonicalGrid } from "../canonical.js";
import { gridWithSpacing } from "../grid-with-spacing.js";
import { resample } from "../resample.js";
import { readResampled } from "./read-resampled.js";
import { readVolumeFile, writeVolumeFile } from "./volume-files.js";

const random = new Random(1);
const affine: Affine = [0, 0, -2, 20, 3, 0, 0, -5, 0, 2.5, 0, 1, 0, 0, 0, 1];
const scan: Volume<Int16Array> = {
  data: Int16Array.from({ length: 7 * 110 * 120 }, () => random.integer(2000) - 1000),
  shape: [7, 110, 120],
  affine,
};

let root = "";
let path = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-resampled-"));
  path = join(root, "scan.nii.gz");
  await writeVolumeFile(path, scan);
});

afterAll(() => rm(root, { recursive: true, force: true }));

describe("readResampled", () => {
  test("gives what reading and then resampling gives, turned and coarser", async () => {
    const target = gridWithSpacing(canonicalGrid(scan), [3, 4, 5]);
    for (const options of [{}, { antialias: false, fill: -1024 }] as const) {
      const expected = resample(await readVolumeFile(path), target, options);
      expect(await readResampled(path, () => target, options)).toEqual(expected);
    }
  });

  test("goes between oblique grids too", async () => {
    const oblique: Affine = [0.8, -0.6, 0, 5, 0.6, 0.8, 0, 100, 0, 0, 1, 50, 0, 0, 0, 1];
    const target = { shape: [4, 5, 6], affine: oblique } as const;
    expect(await readResampled(path, () => target)).toEqual(resample(scan, target));
  });

  test("shows the scan's own grid to who chooses", async () => {
    const { data } = await readResampled(path, (grid) => {
      expect(grid).toEqual({ shape: scan.shape, affine });
      return grid;
    });
    expect(data).toEqual(Float32Array.from(scan.data));
  });

  test("refuses a grid that is none", async () => {
    await expect(readResampled(path, (grid) => ({ ...grid, shape: [0, 1, 1] }))).rejects.toThrow(
      "readResampled: the grid's shape must be positive whole numbers, got [0, 1, 1].",
    );
  });
});
