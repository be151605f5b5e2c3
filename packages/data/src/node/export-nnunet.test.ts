import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Size3D, scalingAffine } from "@plseg/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exportNnunet } from "./export-nnunet.js";
import { readLabelFile, writeVolumeFile } from "./volume-files.js";
import { writeDescription } from "./write-description.js";

let root = "";
const at = (...parts: string[]): string => join(root, ...parts);
const shape: Size3D = [1, 2, 2];
const affine = scalingAffine([1, 1, 1]);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-nnunet-"));
  const classes = ["background", "liver", "spleen"];
  for (const [i, id] of ["part", "whole", "none"].entries()) {
    await writeVolumeFile(at("data/imagesTr", `${id}_0000.nii.gz`), {
      data: Int16Array.of(i, 0, 0, -1000),
      shape,
      affine,
    });
    await writeVolumeFile(at("data/labelsTr", `${id}.nii.gz`), { data: Uint8Array.of(0, 1, 2, 1), shape, affine });
  }
  await annotate({ part: ["liver"], whole: ["liver", "spleen"], none: [] });
  await writeDescription(at("data"), { name: "d", description: "", classes, numTraining: 3 });
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function annotate(annotated: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const cases = Object.fromEntries(Object.entries(annotated).map(([id, names]) => [id, { annotated: names }]));
  await writeFile(
    at("data/annotations.json"),
    JSON.stringify({ version: 1, classes: ["background", "liver", "spleen"], cases }),
  );
}

const labels = async (id: string): Promise<number[]> => [
  ...(await readLabelFile(at("twin/labelsTr", `${id}.nii.gz`))).data,
];

describe("exportNnunet", () => {
  test("ignores every voxel that may belong to an unannotated class", async () => {
    const result = await exportNnunet({ dir: at("data"), out: at("twin") });
    expect(await labels("part")).toEqual([3, 1, 3, 1]);
    expect(await labels("whole")).toEqual([0, 1, 2, 1]);
    expect(result).toEqual({
      ...{ root: at("twin"), ignore: 3, cases: 2, complete: 1, leftOut: ["none"], ignored: 2 / 8, warnings: [] },
    });
    expect(await readdir(at("twin"))).toEqual(["dataset.json", "imagesTr", "labelsTr"]);
    const description = JSON.parse(await readFile(at("twin/dataset.json"), "utf8"));
    expect(description).toMatchObject({
      ...{ labels: { background: 0, liver: 1, spleen: 2, ignore: 3 }, numTraining: 2 },
      ...{ channel_names: { 0: "CT" }, file_ending: ".nii.gz" },
    });
    expect(await readFile(at("twin/imagesTr/part_0000.nii.gz"))).toEqual(
      await readFile(at("data/imagesTr/part_0000.nii.gz")),
    );
  });

  test("says that nnU-Net cannot learn background where no case is complete", async () => {
    await annotate({ part: ["liver"], whole: ["spleen"], none: [] });
    const { warnings, complete } = await exportNnunet({ dir: at("data"), out: at("twin") });
    expect([complete, warnings]).toEqual([0, [expect.stringContaining("no voxel is known to be background")]]);
  });

  test("refuses a dataset without annotations, and a folder that holds files", async () => {
    await annotate({ part: [], whole: [], none: [] });
    await expect(exportNnunet({ dir: at("data"), out: at("twin") })).rejects.toThrow("no training case of");
    await annotate({ part: ["liver"], whole: [], none: [] });
    await expect(exportNnunet({ dir: at("data"), out: at("data") })).rejects.toThrow("must be empty");
  });
});
