import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { spacingOf } from "@plseg/core";
import { readNifti } from "@plseg/data";
import { readVolumeFile } from "@plseg/data/node";
import { expectClose, sharedPath } from "@plseg/test-kit";
import { describe, expect, test } from "vitest";
import nibabel from "./__golden__/nifti-nibabel.json" with { type: "json" };

type Answer = (typeof nibabel)["rs_f32.nii.gz"];

const ANSWERS: Readonly<Record<string, Answer>> = nibabel;

const path = (name: string): string => sharedPath("data", "nifti", name);

/** Every conformance file, with the first 16 digits of its SHA-256. */
const FILES = readFileSync(path("MANIFEST.tsv"), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => line.split("\t"))
  .map(([name = "", , hash = ""]) => ({ name, hash }));

/** The image of a pair is read by its header, whichever of the two is named. */
const HEADER_OF: Readonly<Record<string, string>> = {
  "nrjs_air.img.gz": "nrjs_air.hdr.gz",
  "nrjs_air2.img.gz": "nrjs_air2.hdr.gz",
  "nv_ras.img": "nv_ras.hdr",
  "rs_minimal.img": "rs_minimal.hdr",
  "rs_minimal.img.gz": "rs_minimal.hdr.gz",
  "rs_minimal2.img.gz": "rs_minimal2.hdr",
};

/** Files that must be refused, with what the message must say. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "jl_empty.nii.gz": /got 0.*cut short or empty/,
  "nib_analyze.hdr": /magic must be "n\+1" or "ni1".*Analyze/,
  "nib_example4d.nii.gz": /dim\[4\] must be 1, got 2/,
  "nib_example_nifti2.nii.gz": /dim\[4\] must be 1, got 2/,
  "nib_functional.nii": /dim\[4\] must be 1, got 20/,
  "nib_nifti1.hdr": /two files/,
  "nib_nifti2.hdr": /two files/,
  "nib_row_major.dconn.nii": /dim\[5\] must be 1, got 10/,
  "nrjs_5D_small.nii": /dim\[5\] must be 1, got 3/,
  "nrjs_5D_zeros.nii.gz": /dim\[5\] must be 1, got 3/,
  "nrjs_not-nifti.nii": /not a NIfTI file/,
  "rs_complex_complex32.nii": /datatype.*got 32 \(complex64\)/,
  "rs_complex_complex64.nii": /datatype.*got 1792 \(complex128\)/,
  "rs_fuzz_artifacts_crash-08123ef33416bd6f0c5fa63d44b681b8581d62a0": /not a NIfTI file/,
  "rs_fuzz_artifacts_crash-1.nii": /not a NIfTI file/,
  "rs_fuzz_artifacts_crash-98aa054390f8d3f932f190dc22ef62c6ff2d6619": /not a NIfTI file/,
  "rs_fuzz_artifacts_crash-d03c6346fe83a026738f6b8cd2a9335a3f8cb158": /not a NIfTI file/,
  "rs_fuzz_artifacts_crash-ed7d46344d7efb3b9f0c374d66d2e02f66cc447d.nii": /not a NIfTI file/,
  "rs_rgb_3D.nii": /datatype.*got 128 \(RGB24\)/,
  "rs_rgb_4D.nii": /dim\[4\] must be 1, got 2/,
  "rs_rgba_4D.nii": /dim\[4\] must be 1, got 2/,
};

describe("the conformance files", () => {
  test("are all expected to be read or to be refused", () => {
    expect(FILES).toHaveLength(64);
    const expected = [...Object.keys(ANSWERS), ...Object.keys(HEADER_OF), ...Object.keys(REFUSED)];
    expect(expected.sort()).toEqual(FILES.map(({ name }) => name).sort());
  });

  test.each(FILES)("$name", async ({ name, hash }) => {
    expect(
      createHash("sha256")
        .update(readFileSync(path(name)))
        .digest("hex")
        .slice(0, 16),
    ).toBe(hash);
    const answer = ANSWERS[HEADER_OF[name] ?? name];
    if (answer) return expectAnswer(name, answer);
    const message = expect.stringMatching(REFUSED[name] ?? /never/);
    await expect(readVolumeFile(path(name))).rejects.toMatchObject({ code: "ERR_DATA", message });
    await expect(readVolumeFile(path(name))).rejects.toThrow(name);
  });

  test.each(Object.keys(ANSWERS).filter((name) => !name.includes(".hdr")))(
    "%s is the same from memory, where the platform inflates, as from disk, where zlib does",
    async (name) => {
      const fromMemory = await readNifti(readFileSync(path(name)), { name });
      const fromDisk = await readVolumeFile(path(name));
      expect([fromMemory.shape, fromMemory.affine]).toEqual([fromDisk.shape, fromDisk.affine]);
      expect(Buffer.from(fromMemory.data.buffer).equals(Buffer.from(fromDisk.data.buffer))).toBe(true);
    },
  );
});

/** Shape, affine and sums over the voxels must be those that nibabel finds. */
async function expectAnswer(name: string, expected: Answer): Promise<void> {
  const { data, shape, affine } = await readVolumeFile(path(name));
  expect(shape).toEqual(expected.shape);
  let [sum, weighted, count] = [0, 0, 0];
  for (const [i, value] of data.entries()) {
    if (!Number.isFinite(value)) continue;
    sum += value;
    weighted += value * (i % 97);
    count++;
  }
  expect(data.length - count).toBe(expected.notFinite);
  const tolerance = { absolute: 1e-6, relative: 1e-6 };
  expectClose(`mean of ${name}`, [sum / count], [expected.mean], tolerance);
  expectClose(`weighted mean of ${name}`, [weighted / count], [expected.weightedMean], tolerance);
  if (expected.codes.some((code) => code > 0)) {
    expectClose(`affine of ${name}`, affine, expected.affine, { absolute: 1e-4 });
  } else {
    // nibabel falls back on Analyze's rule (x flipped, origin in the middle), nifti1.h (method 1) on the voxel sizes alone.
    const [depth, height, width] = spacingOf(affine);
    expect(affine).toEqual([width, 0, 0, 0, 0, height, 0, 0, 0, 0, depth, 0, 0, 0, 0, 1]);
    expect([width, height, depth]).toEqual([0, 5, 10].map((i) => Math.abs(expected.affine[i] ?? 0)));
  }
}
