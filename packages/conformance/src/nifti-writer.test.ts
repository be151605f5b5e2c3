import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Affine, type Size3D, sizeOf, spacingOf, type Volume, type VoxelArray } from "@plseg/core";
import { readVolumeFile, writeVolumeFile } from "@plseg/data/node";
import { expectClose } from "@plseg/test-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pythonWith } from "./python.js";

const python = pythonWith(["nibabel", "numpy"], "python3-nibabel");

const SHAPE: Size3D = [3, 4, 5];
const AFFINES: Readonly<Record<string, Affine>> = {
  ras: [0.7, 0, 0, -120.3, 0, 0.7, 0, -99.9, 0, 0, 2.5, 12.1, 0, 0, 0, 1],
  lps: [-0.7, 0, 0, 120.3, 0, -0.7, 0, 99.9, 0, 0, 2.5, 12.1, 0, 0, 0, 1],
  turned: [0, 0, -2, 20, 3, 0, 0, -5, 0, 2.5, 0, 1, 0, 0, 0, 1],
  oblique: [0.96, -0.56, 0, 1, 0.72, 0.42, 1.5, 2, -0.4, 0.0, 3, 3, 0, 0, 0, 1],
};

const TYPES = {
  ...{ int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array },
  ...{ int32: Int32Array, uint32: Uint32Array, float32: Float32Array, float64: Float64Array },
};

const FILES: readonly { readonly name: string; readonly type: string; readonly volume: Volume<VoxelArray> }[] =
  Object.entries(TYPES).flatMap(([type, TypedArray], i) => {
    const [axes, affine] = Object.entries(AFFINES)[i % 4] ?? ["ras", AFFINES.ras as Affine];
    const values = Array.from({ length: sizeOf(SHAPE) }, (_, v) => (v * 37) % 120);
    const data = type.startsWith("float") ? TypedArray.from(values.map((v) => v / 3 - 17)) : TypedArray.from(values);
    return [".nii", ".nii.gz"].map((ending) => ({
      name: `${type}_${axes}${ending}`,
      type,
      volume: { data, shape: SHAPE, affine },
    }));
  });

interface Answer {
  readonly type: string;
  readonly shape: Size3D;
  readonly sha256: string;
  readonly affine: readonly number[];
  readonly qform: readonly number[] | null;
  readonly zooms: readonly number[];
  readonly units: string;
  readonly intent: string;
  readonly comments: readonly string[];
}

describe.skipIf(!python)("files that nibabel reads and saves again", () => {
  let root = "";
  let answers: Readonly<Record<string, Answer>> = {};
  const labels = { background: 0, liver: 1, "vena cava": 300 };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "plseg-nibabel-"));
    for (const folder of ["ours", "again"]) await mkdir(join(root, folder));
    for (const { name, volume } of FILES) await writeVolumeFile(join(root, "ours", name), volume);
    const map = { data: Uint16Array.of(0, 1, 300, 0), shape: [1, 2, 2] as const, affine: AFFINES.lps as Affine };
    await writeVolumeFile(join(root, "ours", "labels.nii.gz"), map, { labels });
    answers = python?.("peers/nifti-again.py", join(root, "ours"), join(root, "again")) as typeof answers;
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  test.each(FILES)("$name has the same voxels, bit for bit, and the same place", ({ name, type, volume }) => {
    const answer = answers[name];
    if (!answer) throw new Error(`nibabel says nothing about ${name}`);
    const bytes = new Uint8Array(volume.data.buffer);
    expect(answer).toMatchObject({ type, shape: SHAPE, intent: "none", units: "mm", comments: [] });
    expect(answer.sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(answer.affine).toEqual([...volume.affine].map(Math.fround));
    expect(answer.zooms).toEqual([...spacingOf(volume.affine)].reverse().map(Math.fround));
    const oblique = name.includes("oblique"); // it is sheared, so there is no qform
    if (oblique) expect(answer.qform).toBeNull();
    else expectClose("qform", answer.qform ?? [], answer.affine, { absolute: 1e-5 });
  });

  test.each(FILES)("$name comes back from nibabel unchanged", async ({ name }) => {
    expect(await readVolumeFile(join(root, "again", name))).toEqual(await readVolumeFile(join(root, "ours", name)));
  });

  test("a label map says that it is one, and names its labels", () => {
    expect(answers["labels.nii.gz"]).toMatchObject({
      type: "uint16",
      intent: "label",
      comments: [JSON.stringify({ labels })],
    });
  });
});
