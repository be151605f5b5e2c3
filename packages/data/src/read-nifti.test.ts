import zlib from "node:zlib";
import { type Affine, DataError, type Volume, type VoxelArray } from "@plseg/core";
import fc from "fast-check";
import { gzipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { readLabelNifti, readNifti } from "./read-nifti.js";
import { writeNifti } from "./write-nifti.js";

const affine: Affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const volume: Volume<VoxelArray> = { data: Int16Array.of(-1000, 0, 40, 80), shape: [1, 2, 2], affine };

/** A small NIfTI file whose header is then changed. */
function file(change: (view: DataView) => void, source = volume): Uint8Array {
  const bytes = writeNifti(source);
  change(new DataView(bytes.buffer));
  return bytes;
}

const refusal = (bytes: Uint8Array): Promise<string> =>
  readNifti(bytes, { name: "scan.nii" }).then(
    () => "read",
    (error: unknown) => (error instanceof DataError ? error.message : `not a DataError: ${error}`),
  );

describe("readNifti", () => {
  test("applies slope and intercept: 2 x + 10", async () => {
    const bytes = file((view) => {
      view.setFloat32(112, 2, true);
      view.setFloat32(116, 10, true);
    });
    expect((await readNifti(bytes)).data).toEqual(Float32Array.of(-1990, 10, 90, 170));
  });

  test("takes a slope of 0 for no scaling, whatever the intercept", async () => {
    const bytes = file((view) => {
      view.setFloat32(112, 0, true);
      view.setFloat32(116, 10, true);
    });
    expect((await readNifti(bytes)).data).toEqual(Float32Array.of(-1000, 0, 40, 80));
  });

  test("reads a big-endian file", async () => {
    const bytes = new Uint8Array(352 + 8);
    const view = new DataView(bytes.buffer);
    view.setInt32(0, 348);
    [3, 2, 2, 1].forEach((size, i) => {
      view.setInt16(40 + 2 * i, size);
    });
    view.setInt16(70, 4);
    view.setFloat32(108, 352);
    view.setInt16(254, 1);
    [2, 0, 0, 5, 0, 3, 0, 6, 0, 0, 4, 7].forEach((value, i) => {
      view.setFloat32(280 + 4 * i, value);
    });
    bytes.set([0x6e, 0x2b, 0x31, 0], 344);
    [-1000, 0, 40, 80].forEach((value, i) => {
      view.setInt16(352 + 2 * i, value);
    });
    expect(await readNifti(bytes)).toEqual({
      data: Float32Array.of(-1000, 0, 40, 80),
      shape: [1, 2, 2],
      affine: [2, 0, 0, 5, 0, 3, 0, 6, 0, 0, 4, 7, 0, 0, 0, 1],
    });
  });

  test("prefers the sform to the qform, the qform to the voxel sizes", async () => {
    const both = file((view) => view.setFloat32(268, 99, true)); // the qform's x offset
    expect((await readNifti(both)).affine).toEqual(affine);
    new DataView(both.buffer).setInt16(254, 0, true);
    expect((await readNifti(both)).affine.slice(0, 4)).toEqual([1, 0, 0, 99]);
    new DataView(both.buffer).setInt16(252, 0, true);
    new DataView(both.buffer).setFloat32(80, 2.5, true);
    expect((await readNifti(both)).affine.slice(0, 4)).toEqual([2.5, 0, 0, 0]);
  });

  test("does not change the bytes it is given, and reads them at any offset", async () => {
    const plain = writeNifti({ ...volume, data: Float32Array.of(1, 2, 3, 4) });
    const shifted = new Uint8Array(plain.length + 3);
    shifted.set(plain, 3);
    const view = shifted.subarray(3);
    const { data } = await readNifti(view);
    data.fill(7);
    expect(view).toEqual(plain);
  });

  test("reads a file of several gzip members", async () => {
    const plain = writeNifti(volume);
    const parts = [plain.subarray(0, 100), plain.subarray(100)].map((part) => gzipSync(part));
    expect((await readNifti(Buffer.concat(parts))).data).toEqual(Float32Array.of(-1000, 0, 40, 80));
  });

  test.each([
    ["dim[2]", (view: DataView) => view.setInt16(44, -3, true), /scan\.nii: dim\[2\] must be .* at least 1, got -3/],
    [
      "dim[0]",
      (view: DataView) => view.setInt16(40, 9, true),
      /dim\[0\], the number of axes, must be from 1 to 7, got 9/,
    ],
    [
      "dim[4]",
      (view: DataView) => {
        view.setInt16(40, 4, true);
        view.setInt16(48, 2, true);
      },
      /dim\[4\] must be 1, got 2/,
    ],
    ["datatype", (view: DataView) => view.setInt16(70, 128, true), /datatype must be .*, got 128 \(RGB24\)/],
    ["vox_offset", (view: DataView) => view.setFloat32(108, 12, true), /vox_offset must be .* at least 352, got 12/],
    ["vox_offset NaN", (view: DataView) => view.setFloat32(108, Number.NaN, true), /vox_offset must be .*, got NaN/],
    ["srow", (view: DataView) => view.setFloat32(280, 0, true), /the affine must be invertible and finite/],
    ["magic", (view: DataView) => view.setUint8(344, 0), /magic must be "n\+1"/],
    ["sizeof_hdr", (view: DataView) => view.setInt32(0, 7, true), /sizeof_hdr must be 348.*, got 7/],
  ])("refuses a header with a wrong %s", async (_, change, message) => {
    expect(await refusal(file(change))).toMatch(message);
  });

  test("refuses a header that claims 10^12 voxels before it takes memory", async () => {
    const bytes = file((view) => {
      for (const axis of [1, 2, 3]) view.setInt16(40 + 2 * axis, 10_000, true);
    });
    expect(await refusal(bytes)).toBe(
      "readNifti: scan.nii: dim says 10000 x 10000 x 10000 = 1000000000000 voxels, at most 536870912 are read. If the header is right, raise maxVoxels.",
    );
  });

  test("refuses a claim that the file is too short for, even compressed, before it takes memory", async () => {
    const bytes = file((view) => {
      for (const axis of [1, 2, 3]) view.setInt16(40 + 2 * axis, 800, true);
    });
    expect(await refusal(bytes)).toMatch(
      /cut short: 800 x 800 x 800 voxels of int16 are 1024000000 bytes, got at most 8/,
    );
    const before = process.memoryUsage().arrayBuffers;
    expect(await refusal(gzipSync(bytes))).toMatch(/cut short/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e7);
  });

  test("says when the voxels are cut short", async () => {
    const plain = writeNifti(volume);
    expect(await refusal(plain.subarray(0, -2))).toBe(
      "readNifti: scan.nii: the file is cut short: 2 x 2 x 1 voxels of int16 are 8 bytes, got at most 6. Copy or download it again.",
    );
    expect(await refusal(gzipSync(plain.subarray(0, -2)))).toMatch(/8 bytes, got at most 6/);
  });

  test("says when gzip is cut short or damaged, wherever", async () => {
    const noise = Int16Array.from({ length: 40_000 }, (_, i) => (i * 7919) % 4096);
    const good = writeNifti({ data: noise, shape: [10, 50, 80], affine }, { compress: true });
    for (const length of [12, 300, good.length >> 1, good.length - 9, good.length - 1])
      expect(await refusal(good.subarray(0, length))).toMatch(/scan\.nii( is damaged|: a NIfTI header)/);
    for (const at of [good.length >> 1, good.length - 7, good.length - 2]) {
      const bad = good.slice();
      bad[at] = (bad[at] ?? 0) ^ 0x40;
      expect(await refusal(bad)).toMatch(/scan\.nii is damaged/);
    }
  });

  test("stops inflating a gzip bomb", async () => {
    const plain = new Uint8Array(120e6);
    plain.set(writeNifti(volume));
    const bomb = zlib.gzipSync(plain);
    const before = process.memoryUsage().arrayBuffers;
    expect(await refusal(bomb)).toMatch(/describes 8 bytes of voxels, but more than 1048576 bytes follow/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(9e7);
  });

  test("refuses a scan without one finite voxel", async () => {
    const empty = { ...volume, data: Float32Array.of(Number.NaN, Number.NaN, Number.NaN, Number.NaN) };
    expect(await refusal(writeNifti(empty))).toMatch(/no voxel is a finite number/);
  });

  test.each([0, 1, 347])("refuses a file of %i bytes", async (length) => {
    expect(await refusal(new Uint8Array(length))).toMatch(/a NIfTI header has 348 bytes or more/);
  });

  test("answers any damage with a volume or a DataError", async () => {
    const good = writeNifti(volume);
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    const changes = fc.array(change, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(changes, fc.nat(good.length), fc.boolean(), async (edits, cut, packed) => {
        const bytes = good.slice();
        for (const [at, value] of edits) bytes[at] = value;
        const damaged = bytes.subarray(0, cut % 2 ? cut : good.length);
        expect(await refusal(packed ? gzipSync(damaged) : damaged)).not.toMatch(/^not a DataError/);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("readLabelNifti", () => {
  test("gives uint8 if the labels fit, else uint16", async () => {
    const small = await readLabelNifti(writeNifti({ ...volume, data: Float32Array.of(0, 1, 2, 255) }));
    expect(small.data).toEqual(Uint8Array.of(0, 1, 2, 255));
    const large = await readLabelNifti(writeNifti({ ...volume, data: Int32Array.of(0, 1, 2, 256) }));
    expect(large.data).toEqual(Uint16Array.of(0, 1, 2, 256));
  });

  test.each([-1, 1.5, 65_536, Number.NaN])("refuses %d and names it", async (value) => {
    const bytes = writeNifti({ ...volume, data: Float64Array.of(0, 1, value, 2) });
    await expect(readLabelNifti(bytes, { name: "labels.nii" })).rejects.toThrow(
      `readLabelNifti: labels.nii: labels must be whole numbers from 0 to 65535, got ${value} at voxel 2.`,
    );
  });
});
