import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dicomFile } from "@plseg/test-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeNifti } from "../write-nifti.js";
import { isDicomFolder, readDicomSeries } from "./read-dicom-series.js";
import { readScan } from "./read-scan.js";

let root = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-dicom-"));
});

afterAll(() => rm(root, { recursive: true, force: true }));

/** A folder of files by name. */
async function folder(name: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const dir = join(root, name);
  await mkdir(dir);
  for (const [file, content] of Object.entries(files)) await writeFile(join(dir, file), content);
  return dir;
}

const at = (z: number, first: number): Uint8Array =>
  dicomFile({ position: `0\\0\\${z}`, pixels: [0, 1, 2, 3, 4, 5].map((i) => first + i) });

describe("readDicomSeries", () => {
  test("reads the slices of a folder in their order, and nothing else that lies there", async () => {
    const dir = await folder("mixed", {
      "b.dcm": at(0, 10),
      IM0001: at(2, 20),
      "report.dcm": dicomFile({ position: undefined }),
      "notes.txt": "none of it",
      DICOMDIR: "a table of contents",
    });
    await mkdir(join(dir, "deeper"));
    expect(await isDicomFolder(dir)).toBe(true);
    const volume = await readDicomSeries(dir);
    expect(volume).toEqual({
      data: Float32Array.from([10, 11, 12, 13, 14, 15, 20, 21, 22, 23, 24, 25], (value) => value - 1024),
      shape: [2, 2, 3],
      affine: [-1, 0, 0, 0, 0, -1.5, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1],
    });
    expect(await readScan(dir)).toEqual(volume);
  });

  test("says what is missing or damaged", async () => {
    const dir = await folder("text", { "notes.txt": "none of it" });
    expect(await isDicomFolder(dir)).toBe(false);
    await expect(readDicomSeries(dir)).rejects.toThrow(`${dir}: there is no DICOM file among its 1 files`);
    const reports = await folder("reports", { a: dicomFile({ position: undefined }) });
    await expect(readDicomSeries(reports)).rejects.toThrow("none of its 1 DICOM files is a slice of a scan");
    const damaged = await folder("damaged", { "a.dcm": at(0, 1), "b.dcm": at(2, 1).subarray(0, -3) });
    await expect(readDicomSeries(damaged)).rejects.toThrow(
      `readDicomSeries: ${join(damaged, "b.dcm")}: the file is damaged or cut short`,
    );
    await expect(readDicomSeries(join(root, "nowhere"))).rejects.toThrow("is not a folder that can be read");
  });

  test("refuses a series that is larger than allowed", async () => {
    const dir = await folder("large", { a: at(0, 1), b: at(2, 1) });
    await expect(readDicomSeries(dir, { maxVoxels: 11 })).rejects.toThrow("the series has 12 voxels, at most 11");
  });
});

describe("readScan", () => {
  test("reads a NIfTI file too, and says when there is nothing", async () => {
    const volume = {
      data: Int16Array.of(1, 2),
      shape: [1, 1, 2],
      affine: [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
    } as const;
    await writeFile(join(root, "scan.nii"), writeNifti(volume));
    expect(await readScan(join(root, "scan.nii"))).toEqual({ ...volume, data: Float32Array.of(1, 2) });
    await expect(readScan(join(root, "none.nii"))).rejects.toThrow("there is no such file");
  });
});
