import { type Affine, ShapeError, type Volume, type VoxelArray } from "@plseg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readLabelNames } from "./nifti-label-names.js";
import { readLabelNifti, readNifti } from "./read-nifti.js";
import { writeNifti } from "./write-nifti.js";

const affine: Affine = [2, 0, 0, -10, 0, 3, 0, 20, 0, 0, 4, 30, 0, 0, 0, 1];
const volume = { data: Int16Array.of(-1024, 0, 1, 2, 3, 3000), shape: [1, 2, 3], affine } as const;

describe("writeNifti", () => {
  test("writes the header byte for byte as nifti1.h has it", () => {
    const bytes = writeNifti(volume, { labels: true, description: "test" });
    const view = new DataView(bytes.buffer);
    expect(bytes).toHaveLength(352 + 6 * 2);
    expect(view.getInt32(0, true)).toBe(348);
    expect(Array.from({ length: 8 }, (_, i) => view.getInt16(40 + 2 * i, true))).toEqual([3, 3, 2, 1, 1, 1, 1, 1]);
    expect(view.getInt16(68, true)).toBe(1002); // intent LABEL
    expect([view.getInt16(70, true), view.getInt16(72, true)]).toEqual([4, 16]); // int16
    expect(Array.from({ length: 4 }, (_, i) => view.getFloat32(76 + 4 * i, true))).toEqual([1, 2, 3, 4]);
    expect([108, 112, 116].map((at) => view.getFloat32(at, true))).toEqual([352, 1, 0]);
    expect(bytes[123]).toBe(2); // millimeters
    expect(new TextDecoder().decode(bytes.subarray(148, 153))).toBe("test\0");
    expect([view.getInt16(252, true), view.getInt16(254, true)]).toEqual([1, 1]);
    expect(Array.from({ length: 6 }, (_, i) => view.getFloat32(256 + 4 * i, true))).toEqual([0, 0, 0, -10, 20, 30]);
    expect(Array.from({ length: 12 }, (_, i) => view.getFloat32(280 + 4 * i, true))).toEqual(affine.slice(0, 12));
    expect(new TextDecoder().decode(bytes.subarray(344, 348))).toBe("n+1\0");
    expect(new Int16Array(bytes.slice(352).buffer)).toEqual(volume.data);
  });

  test("keeps names of labels in an extension that readers pass over", async () => {
    const labels = { background: 0, liver: 1, "vena cava": 300 };
    for (const compress of [false, true]) {
      const bytes = writeNifti(volume, { labels, compress });
      expect(await readLabelNames(bytes)).toEqual(labels);
      expect(await readNifti(bytes)).toEqual({ ...volume, data: Float32Array.from(volume.data) });
    }
    const view = new DataView(writeNifti(volume, { labels }).buffer);
    expect([view.getInt8(348), view.getInt32(352, true), view.getInt32(356, true)]).toEqual([1, 64, 6]);
    expect([view.getFloat32(108, true), view.getInt16(68, true)]).toEqual([352 + 64, 1002]);
    expect(await readLabelNames(writeNifti(volume, { labels: true }))).toBeUndefined();
  });

  test("takes comments of other programs for no names of labels", async () => {
    const bytes = writeNifti(volume, { labels: { liver: 1 } });
    for (const [at, value] of [
      [360, 0x21], // no JSON
      [356, 4], // another code
      [352, 15], // no size
      [348, 0], // no extension
    ] as const) {
      const changed = bytes.slice();
      changed[at] = value;
      expect(await readLabelNames(changed)).toBeUndefined();
    }
  });

  test("gives the same bytes for the same volume, compressed too", () => {
    expect(writeNifti(volume, { compress: true })).toEqual(writeNifti(volume, { compress: true }));
  });

  test.each([Float32Array, Float64Array, Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array])(
    "comes back from %o with its values, shape and affine",
    async (TypedArray) => {
      const data: VoxelArray = TypedArray.from([0, 1, 5, 100, 7, 9]);
      for (const compress of [false, true]) {
        const back = await readNifti(writeNifti({ ...volume, data }, { compress }));
        expect(back).toEqual({ ...volume, data: Float32Array.from(data) });
        const labels = await readLabelNifti(writeNifti({ ...volume, data }, { compress }));
        expect(labels).toEqual({ ...volume, data: Uint8Array.from(data) });
      }
    },
  );

  test("writes a qform that says the same as the sform, for any turn and either handedness", async () => {
    const angle = fc.double({ min: -Math.PI, max: Math.PI, noNaN: true });
    await fc.assert(
      fc.asyncProperty(angle, angle, angle, fc.constantFrom(-1, 1), async (x, y, z, hand) => {
        const turned = turn(x, y, z, [1.5, 2, 2.5 * hand]);
        const bytes = writeNifti({ ...volume, affine: turned });
        const view = new DataView(bytes.buffer);
        expect(view.getInt16(252, true)).toBe(1);
        view.setInt16(254, 0, true); // without its sform the reader falls back on the qform
        // The quaternion's first part is not stored: near a half turn, float32 leaves it 3e-4.
        const { affine: read } = await readNifti(bytes);
        for (const [i, value] of read.entries()) expect(Math.abs(value - (turned[i] ?? 0))).toBeLessThan(0.005);
      }),
    );
  });

  test("leaves the qform out when axes are not at right angles", async () => {
    const sheared: Affine = [2, 1, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1];
    const bytes = writeNifti({ ...volume, affine: sheared });
    expect(new DataView(bytes.buffer).getInt16(252, true)).toBe(0);
    expect((await readNifti(bytes)).affine).toEqual(sheared);
  });

  test("says when shape and voxels disagree", () => {
    const wrong: Volume<VoxelArray> = { ...volume, shape: [2, 2, 3] };
    expect(() => writeNifti(wrong)).toThrow(new ShapeError("writeNifti: shape [2, 2, 3] must hold 12 voxels, got 6."));
    const long = { ...volume, data: new Uint8Array(40_000), shape: [1, 1, 40_000] as const };
    expect(() => writeNifti(long)).toThrow("NIfTI-1 holds at most 32767 voxels along an axis");
  });
});

/** Rotation about x, then y, then z, times scales. */
function turn(x: number, y: number, z: number, [sx, sy, sz]: readonly [number, number, number]): Affine {
  const [cx, cy, cz, nx, ny, nz] = [Math.cos(x), Math.cos(y), Math.cos(z), Math.sin(x), Math.sin(y), Math.sin(z)];
  return [
    ...([cz * cy * sx, (cz * ny * nx - nz * cx) * sy, (cz * ny * cx + nz * nx) * sz, 1] as const),
    ...([nz * cy * sx, (nz * ny * nx + cz * cx) * sy, (nz * ny * cx - cz * nx) * sz, 2] as const),
    ...([-ny * sx, cy * nx * sy, cy * cx * sz, 3] as const),
    ...([0, 0, 0, 1] as const),
  ];
}
