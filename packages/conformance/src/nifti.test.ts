import { readdirSync, readFileSync } from "node:fs";
import { spacingOf, type Volume } from "@plseg/core";
import { readNifti } from "@plseg/data";
import { expectClose, sharedPath } from "@plseg/test-kit";
import { describe, expect, test } from "vitest";
import nibabel from "./__golden__/nifti-nibabel.json" with { type: "json" };

const read = (name: string): Promise<Volume> => readNifti(readFileSync(sharedPath("data", "nifti", name)), { name });

/** Files that must be refused, with what the message must say. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "jl_empty.nii.gz": /got 0.*cut short or empty/,
  "nib_analyze.hdr": /magic must be "n\+1".*Analyze/,
  "nib_example4d.nii.gz": /dim\[4\] must be 1, got 2/,
  "nib_example_nifti2.nii.gz": /dim\[4\] must be 1, got 2/,
  "nib_functional.nii": /dim\[4\] must be 1, got 20/,
  "nib_nifti1.hdr": /two files/,
  "nib_nifti2.hdr": /two files/,
  "nib_row_major.dconn.nii": /dim\[5\] must be 1, got 10/,
  "nrjs_5D_small.nii": /dim\[5\] must be 1, got 3/,
  "nrjs_5D_zeros.nii.gz": /dim\[5\] must be 1, got 3/,
  "nrjs_air.hdr.gz": /two files/,
  "nrjs_air.img.gz": /not a NIfTI file/,
  "nrjs_air2.hdr.gz": /two files/,
  "nrjs_air2.img.gz": /not a NIfTI file/,
  "nrjs_not-nifti.nii": /not a NIfTI file/,
  "nv_ras.hdr": /two files/,
  "nv_ras.img": /not a NIfTI file/,
  "rs_complex_complex32.nii": /datatype.*got 32 \(complex64\)/,
  "rs_complex_complex64.nii": /datatype.*got 1792 \(complex128\)/,
  "rs_fuzz_artifacts_crash-08123ef33416bd6f0c5fa63d44b681b8581d62a0": /not a NIfTI file/,
  "rs_fuzz_artifacts_crash-1.nii": /not a NIfTI file/,
  "rs_fuzz_artifacts_crash-98aa054390f8d3f932f190dc22ef62c6ff2d6619": /not a NIfTI file/,
  "rs_fuzz_artifacts_crash-d03c6346fe83a026738f6b8cd2a9335a3f8cb158": /not a NIfTI file/,
  "rs_fuzz_artifacts_crash-ed7d46344d7efb3b9f0c374d66d2e02f66cc447d.nii": /not a NIfTI file/,
  "rs_minimal.hdr": /two files/,
  "rs_minimal.hdr.gz": /two files/,
  "rs_minimal.img": /not a NIfTI file/,
  "rs_minimal.img.gz": /not a NIfTI file/,
  "rs_minimal2.hdr": /two files/,
  "rs_minimal2.img.gz": /not a NIfTI file/,
  "rs_rgb_3D.nii": /datatype.*got 128 \(RGB24\)/,
  "rs_rgb_4D.nii": /dim\[4\] must be 1, got 2/,
  "rs_rgba_4D.nii": /dim\[4\] must be 1, got 2/,
};

describe("readNifti on the conformance files", () => {
  test("knows what to expect of every one", () => {
    const files = readdirSync(sharedPath("data", "nifti")).filter((name) => name !== "MANIFEST.tsv");
    expect(files.length).toBeGreaterThan(60);
    expect([...Object.keys(REFUSED), ...Object.keys(nibabel)].sort()).toEqual(files.sort());
  });

  test.each(Object.entries(nibabel))("reads %s as nibabel 5.0 does", async (name, expected) => {
    const { data, shape, affine } = await read(name);
    expect(shape).toEqual(expected.shape);
    let [sum, weighted, count] = [0, 0, 0];
    for (const [i, value] of data.entries()) {
      if (!Number.isFinite(value)) continue;
      sum += value;
      weighted += value * (i % 97);
      count++;
    }
    expect(data.length - count).toBe(expected.notFinite);
    expectClose(`mean of ${name}`, [sum / count], [expected.mean], { absolute: 1e-6, relative: 1e-6 });
    expectClose(`weighted mean of ${name}`, [weighted / count], [expected.weightedMean], {
      absolute: 1e-6,
      relative: 1e-6,
    });
    if (expected.codes.some((code) => code > 0)) {
      expectClose(`affine of ${name}`, affine, expected.affine, { absolute: 1e-4 });
    } else {
      // nibabel falls back on Analyze's rule (x flipped, origin in the middle), nifti1.h (method 1) on the voxel sizes alone.
      const [depth, height, width] = spacingOf(affine);
      expect(affine).toEqual([width, 0, 0, 0, 0, height, 0, 0, 0, 0, depth, 0, 0, 0, 0, 1]);
      expect([width, height, depth]).toEqual([0, 5, 10].map((i) => Math.abs(expected.affine[i] ?? 0)));
    }
  });

  test.each(Object.entries(REFUSED))("refuses %s and says why", async (name, message) => {
    await expect(read(name)).rejects.toMatchObject({ code: "ERR_DATA", message: expect.stringMatching(message) });
    await expect(read(name)).rejects.toThrow(name);
  });
});
