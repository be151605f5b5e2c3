import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toCanonical } from "@plseg/data";
import { readDicomSeries, readVolumeFile } from "@plseg/data/node";
import { expectClose, sharedPath } from "@plseg/test-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pythonWith } from "./python.js";

const python = pythonWith(["nibabel", "numpy", "pydicom"], "python3-nibabel python3-pydicom");

describe.skipIf(!python)("DICOM series that pydicom wrote", () => {
  let root = "";

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "plseg-pydicom-"));
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  test.each([
    ["implicit", "ct3mm/lidc0001_ct.nii.gz"],
    ["explicit", "native/totalseg_512_ct.nii.gz"],
    ["big", "ct3mm/lidc0004_ct.nii.gz"],
  ])("%s: %s lies where its NIfTI twin does, with the same Hounsfield units", async (syntax, file) => {
    const scan = sharedPath("data", ...file.split("/"));
    expect(python?.("peers/dicom-series.py", scan, join(root, syntax), syntax)).toMatchObject({
      slices: (await readVolumeFile(scan)).shape[0],
    });
    const twin = toCanonical(await readVolumeFile(scan)).volume;
    const { data, shape, affine } = toCanonical(await readDicomSeries(join(root, syntax))).volume;
    expect(shape).toEqual(twin.shape);
    expectClose("affine", affine, twin.affine, { absolute: 1e-4 });
    expect(Buffer.from(data.buffer).equals(Buffer.from(twin.data.buffer))).toBe(true);
  });
});
