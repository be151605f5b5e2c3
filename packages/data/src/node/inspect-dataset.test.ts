import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Size3D, scalingAffine } from "@plseg/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeNifti } from "../write-nifti.js";
import { inspectDataset } from "./inspect-dataset.js";
import { writeVolumeFile } from "./volume-files.js";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-inspect-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const shape: Size3D = [1, 2, 4];
const CLASSES = ["background", "liver", "spleen"];

/** Writes an image whose voxels begin at `low`, and its label map. */
async function write(id: string, low: number, labels: readonly number[], spacing: Size3D = [3, 1, 1]): Promise<void> {
  const affine = scalingAffine(spacing);
  const data = Float32Array.from({ length: 8 }, (_, i) => low + 10 * i);
  await writeVolumeFile(join(root, `${id}_ct.nii.gz`), { data, shape, affine });
  await writeVolumeFile(join(root, `${id}_seg.nii.gz`), { data: Uint8Array.from(labels), shape, affine });
}

const LABELS = [0, 1, 1, 2, 0, 0, 0, 0];

/** Problems as `severity file: field: message`. */
async function problems(): Promise<string[]> {
  const report = await inspectDataset(root, { classes: CLASSES });
  return report.problems.map(({ severity, file, field, message }) => `${severity} ${file}: ${field}: ${message}`);
}

describe("inspectDataset", () => {
  test("finds nothing wrong where nothing is, and tells intensities", async () => {
    await write("a", -1000, LABELS);
    await write("b", -900, LABELS);
    const report = await inspectDataset(root, { classes: CLASSES });
    expect(report.problems).toEqual([]);
    expect(report.cases.map(({ intensity }) => intensity)).toEqual([
      [-1000, -930],
      [-900, -830],
    ]);
    expect(report.cases[0]?.classes).toEqual([
      { name: "liver", state: "present", voxels: 2 },
      { name: "spleen", state: "present", voxels: 1 },
    ]);
  });

  test.each([
    [0, "its intensities are 0 to 70, while 1 other images are in Hounsfield units: made gray levels of 0 to 255?"],
    [
      500,
      "its intensities are 500 to 570, while 1 other images are in Hounsfield units: without the intercept of -1024?",
    ],
    [-20, "its intensities are -20 to 50, while 1 other images are in Hounsfield units: windowed or standardized?"],
  ])("finds an image among those in Hounsfield units that begins at %d", async (low, message) => {
    await write("a", -1000, LABELS);
    await write("b", low, LABELS);
    expect(await problems()).toEqual([`warning b_ct.nii.gz: intensity: ${message}`]);
  });

  test("says once that no image is in Hounsfield units", async () => {
    await write("a", 0, LABELS);
    await write("b", 1, LABELS);
    expect(await problems()).toEqual([
      "warning .: intensity: no image is in Hounsfield units, as CT would be: made gray levels of 0 to 255?",
    ]);
  });

  test.each([
    [1, "meters"],
    [3, "micrometers"],
  ])("finds a header in the unit %d, %s", async (code, name) => {
    await write("a", -1000, LABELS);
    const bytes = writeNifti({ data: Float32Array.of(-1000, 1), shape: [1, 1, 2], affine: scalingAffine([3, 1, 1]) });
    bytes[123] = code;
    await writeFile(join(root, "b_ct.nii"), bytes);
    expect(await problems()).toEqual([
      `warning b_ct.nii: header: xyzt_units says ${name}. Its lengths are taken for millimeters all the same`,
    ]);
  });

  test("finds a spacing that cannot be in millimeters", async () => {
    await write("a", -1000, LABELS, [0.003, 0.001, 0.001]);
    expect(await problems()).toEqual([
      "warning a_ct.nii.gz: spacing: 0.003 x 0.001 x 0.001 mm is unusual for CT: is the header in another unit?",
    ]);
  });

  test("finds the same scan twice, as a file and as voxels", async () => {
    await write("a", -1000, LABELS);
    await writeFile(join(root, "b_ct.nii.gz"), await readFile(join(root, "a_ct.nii.gz")));
    await write("c", -1000, LABELS, [3, 1, 1.5]);
    expect(await problems()).toEqual([
      "error b_ct.nii.gz: file: it is the same file as a_ct.nii.gz, byte for byte",
      "warning c_ct.nii.gz: voxels: it has the same voxels as a_ct.nii.gz",
    ]);
  });

  test("finds label maps of another grid, with strange values, and empty ones", async () => {
    await write("a", -1000, [9, 9, 1, 0, 0, 0, 0, 0]);
    await write("b", -990, [0, 0, 0, 0, 0, 0, 0, 0]);
    await write("c", -980, LABELS);
    const moved = scalingAffine([3, 1, 2]);
    await writeVolumeFile(join(root, "c_seg.nii.gz"), { data: Uint8Array.from(LABELS), shape, affine: moved });
    expect(await problems()).toEqual([
      "error a_seg.nii.gz: labels: label values must belong to a class, got 9 (2 voxels). Classes: 0 background, 1 liver, 2 spleen",
      "warning b_seg.nii.gz: labels: no voxel is labeled",
      "error c_seg.nii.gz: grid: it does not lie on the grid of c_ct.nii.gz: affines differ: the grids are up to 3.00 mm apart, allowed are 0.10 mm",
    ]);
  });

  test("believes an annotations.json, and finds what it does not explain", async () => {
    await write("a", -1000, LABELS);
    const annotations = join(root, "annotations.json");
    const cases = { a: { annotated: ["liver"] } };
    await writeFile(annotations, JSON.stringify({ version: 1, classes: CLASSES, cases }));
    const {
      problems: found,
      cases: [one],
    } = await inspectDataset(root, { annotations });
    expect(one?.classes.map(({ state }) => state)).toEqual(["present", "unannotated"]);
    expect(found.map(({ message }) => message)).toEqual([
      "1 voxels are labeled spleen, which is not listed as annotated in a; they count as background",
    ]);
    await writeFile(annotations, JSON.stringify({ version: 1, classes: CLASSES, cases: { b: cases.a } }));
    await expect(inspectDataset(root, { annotations })).rejects.toThrow(
      `cases.b: ${root} has no such case. Did you mean "a"?`,
    );
  });
});
