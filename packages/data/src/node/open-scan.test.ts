import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import zlib from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNifti } from "../read-nifti.js";
import { writeNifti } from "../write-nifti.js";
import { readScan } from "./read-scan.js";
import { readLabelFile, readVolumeFile } from "./volume-files.js";

const volume = {
  data: Int16Array.of(3, 1, 2, 300),
  shape: [1, 2, 2],
  affine: [2, 0, 0, 5, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
} as const;
const image = { ...volume, data: Float32Array.from(volume.data) };

/** Header and voxels of a file, apart. */
function pair(): { header: Uint8Array; image: Uint8Array } {
  const bytes = writeNifti(volume);
  const header = bytes.slice(0, 348);
  header.set([0x6e, 0x69, 0x31], 344); // "ni1"
  new DataView(header.buffer).setFloat32(108, 0, true);
  return { header, image: bytes.slice(352) };
}

let root = "";
const at = (name: string): string => join(root, name);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-open-"));
});

afterAll(() => rm(root, { recursive: true, force: true }));

describe("a NIfTI pair", () => {
  test("is read from bytes", async () => {
    expect(await readNifti(pair())).toEqual(image);
    await expect(readNifti(pair().header)).rejects.toThrow("magic says that header and voxels are two files");
    await expect(readNifti({ ...pair(), image: new Uint8Array(7) })).rejects.toThrow("are 8 bytes, got at most 7");
  });

  test("is read by the name of either file, gzipped or not, or one of them", async () => {
    const { header, image: voxels } = pair();
    await writeFile(at("a.hdr"), header);
    await writeFile(at("a.img"), voxels);
    await writeFile(at("b.hdr.gz"), zlib.gzipSync(header));
    await writeFile(at("b.img.gz"), zlib.gzipSync(voxels));
    await writeFile(at("c.hdr"), header);
    await writeFile(at("c.img.gz"), zlib.gzipSync(voxels));
    for (const name of ["a.hdr", "a.img", "b.hdr.gz", "b.img.gz", "c.hdr", "c.img.gz"]) {
      expect(await readVolumeFile(at(name))).toEqual(image);
      expect(await readScan(at(name))).toEqual(image);
    }
    expect((await readLabelFile(at("c.hdr"))).data).toEqual(Uint16Array.of(3, 1, 2, 300));
  });

  test("without its other half is refused", async () => {
    await writeFile(at("lonely.hdr"), pair().header);
    await writeFile(at("lost.img"), pair().image);
    await expect(readVolumeFile(at("lonely.hdr"))).rejects.toThrow(`${at("lonely.hdr")}: magic says`);
    await expect(readVolumeFile(at("lost.img"))).rejects.toThrow("a NIfTI header has 348 bytes or more, got 8");
  });
});

describe("a file on disk", () => {
  test("is read whatever it is named, if it is gzipped or not", async () => {
    await writeFile(at("plain.nii.gz"), writeNifti(volume));
    await writeFile(at("packed.nii"), writeNifti(volume, { compress: true }));
    expect(await readVolumeFile(at("plain.nii.gz"))).toEqual(image);
    expect(await readVolumeFile(at("packed.nii"))).toEqual(image);
  });

  test("of several gzip members is read", async () => {
    const bytes = writeNifti(volume);
    const members = [bytes.subarray(0, 100), bytes.subarray(100)].map((part) => zlib.gzipSync(part));
    await writeFile(at("members.nii.gz"), Buffer.concat(members));
    expect(await readVolumeFile(at("members.nii.gz"))).toEqual(image);
  });

  test("that is damaged or missing says so", async () => {
    const packed = writeNifti({ ...volume, data: new Int16Array(90_000), shape: [9, 100, 100] }, { compress: true });
    await writeFile(at("cut.nii.gz"), packed.subarray(0, packed.length - 30));
    await expect(readVolumeFile(at("cut.nii.gz"))).rejects.toThrow("is damaged: its gzip stream is cut short");
    const changed = packed.slice();
    changed[packed.length - 6] = 77;
    await writeFile(at("changed.nii.gz"), changed);
    await expect(readVolumeFile(at("changed.nii.gz"))).rejects.toThrow("is damaged: its gzip stream is corrupt");
    await expect(readVolumeFile(at("none.nii"))).rejects.toThrow(`${at("none.nii")} cannot be read: there is no such`);
    await expect(readVolumeFile(root)).rejects.toThrow("it is a folder, not a file");
  });
});
