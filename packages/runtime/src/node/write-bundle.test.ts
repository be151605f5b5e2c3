import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataError, scalingAffine, type Volume } from "@plseg/core";
import { readLabelFile } from "@plseg/data/node";
import { drawWeights, listWeights, plSegUnet, storedShape, writeSafetensors } from "@plseg/models";
import "@plseg/test-kit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readBundleManifest } from "../bundle-manifest.js";
import { exportModel } from "../export-model.js";
import { manifestHash } from "../manifest-hash.js";
import { readBundle } from "./read-bundle.js";
import { verifyBundle } from "./verify-bundle.js";
import { type BundleParts, writeBundle } from "./write-bundle.js";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-bundle-"));
});
afterEach(async () => {
  vi.doUnmock("onnxruntime-node");
  vi.resetModules();
  await rm(root, { recursive: true, force: true });
});

const patchSize = [8, 8, 8] as const;
const network = plSegUnet({ classes: 2, features: [2, 4], deepSupervision: false });
const specs = listWeights(network, [1, 8, 8, 8, 1]);
const modelOf = (seed: number): Uint8Array => exportModel({ network, weights: drawWeights(specs, seed), patchSize });
const weightsOf = (seed: number): Uint8Array => {
  const drawn = drawWeights(specs, seed);
  const tensors = specs.map(({ name, shape }) => {
    return [name, { dtype: "F32", shape: storedShape(shape), data: drawn.get(name) ?? new Float32Array(0) }] as const;
  });
  return writeSafetensors(new Map(tensors));
};
const parts: BundleParts = {
  manifest: {
    classes: [
      { name: "background", color: [0, 0, 0], labelValue: 0 },
      { name: "liver", color: [200, 90, 60], labelValue: 4 },
    ],
    spacing: [3, 3, 3],
    orientation: "RAS",
    intensity: { level: 40, width: 400 },
    patchSize,
    network: { kind: "plSegUnet", features: [2, 4], dropout: [0], inChannels: 1, deepSupervision: false },
    provenance: { method: "pl-seg", annotatedCases: { liver: 2 }, trainingCases: 2, plseg: "0.1.0" },
  },
  model: modelOf(1),
  weights: weightsOf(1),
};

const FILES = ["check/answer.json", "check/image.nii.gz", "check/labels.nii.gz", "model.onnx", "weights.safetensors"];

describe("writeBundle", () => {
  test("writes a bundle that loads, segments and verifies", async () => {
    const folder = join(root, "made", "bundle");
    const manifest = await writeBundle(folder, parts);
    expect(JSON.parse(await readFile(join(folder, "bundle.json"), "utf8"))).toEqual(manifest);
    expect(Object.keys(manifest.files).sort()).toEqual(FILES);
    expect(await readdir(join(root, "made"))).toEqual(["bundle"]);

    const bundle = await readBundle(folder, { threads: 1 });
    const volume: Volume = {
      data: new Float32Array(5 * 9 * 8).fill(60),
      shape: [5, 9, 8],
      affine: scalingAffine([3, 3, 3]),
    };
    const labels = await bundle.segment(volume);
    expect(labels.shape).toEqual([5, 9, 8]);
    expect([...new Set(labels.data)].every((value) => value === 0 || value === 4)).toBe(true);
    await bundle.dispose();

    expect(await verifyBundle(folder)).toEqual({
      passed: true,
      agreement: 1,
      largestDifference: expect.closeTo(0, 6),
      files: 5,
    });
  });

  test("checks with the volume it is given", async () => {
    const checkVolume: Volume = { data: new Float32Array(64), shape: [4, 4, 4], affine: scalingAffine([1, 2, 3]) };
    await writeBundle(join(root, "b"), { ...parts, checkVolume });
    const { shape, affine } = await readLabelFile(join(root, "b", "check", "labels.nii.gz"));
    expect({ shape, affine }).toEqual({ shape: [4, 4, 4], affine: checkVolume.affine });
  });

  test("replaces an older bundle, and leaves it alone if the new one cannot be", async () => {
    const folder = join(root, "b");
    const before = await writeBundle(folder, parts);
    const broken = writeBundle(folder, { ...parts, model: Uint8Array.of(1, 2) });
    await expect(broken).rejects.toThrow("ONNX Runtime could not load the graph");
    expect(JSON.parse(await readFile(join(folder, "bundle.json"), "utf8"))).toEqual(before);

    const after = await writeBundle(folder, { ...parts, model: modelOf(2), weights: weightsOf(2) });
    expect(after.files["model.onnx"]).not.toEqual(before.files["model.onnx"]);
    expect((await verifyBundle(folder)).passed).toBe(true);
    expect(await readdir(root)).toEqual(["b"]);
  });

  test("refuses a folder that holds anything else, a file, and a manifest that cannot be", async () => {
    await writeFile(join(root, "notes.txt"), "mine");
    await expect(writeBundle(root, parts)).rejects.toThrow(
      "must be new, empty or an older bundle, it holds notes.txt.",
    );
    await writeFile(join(root, "bundle.json"), "{}");
    await expect(writeBundle(root, parts)).rejects.toThrow("it holds notes.txt.");
    await expect(writeBundle(join(root, "notes.txt"), parts)).rejects.toThrow("it is a file");
    const manifest = { ...parts.manifest, patchSize: [8, 8, 0] as const };
    await expect(writeBundle(join(root, "b"), { ...parts, manifest })).rejects.toThrow("patchSize.2");
    expect((await readdir(root)).sort()).toEqual(["bundle.json", "notes.txt"]);
  });
});

describe("readBundle and verifyBundle", () => {
  test("name a file that is missing or was changed", async () => {
    const folder = join(root, "b");
    await writeBundle(folder, parts);
    const labels = join(folder, "check", "labels.nii.gz");
    const bytes = await readFile(labels);
    await writeFile(
      labels,
      bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
    );
    await expect(verifyBundle(folder)).rejects.toThrow("check/labels.nii.gz must have the SHA-256");
    await rm(labels);
    await expect(verifyBundle(folder)).rejects.toThrow("check/labels.nii.gz of the bundle could not be read: ENOENT");
    await expect(readBundle(join(root, "nowhere"))).rejects.toThrow(DataError);
  });

  test("find weights that give another answer than the stored one", async () => {
    await writeBundle(join(root, "b"), { ...parts, weights: weightsOf(2) });
    expect(await verifyBundle(join(root, "b"))).toMatchObject({ passed: false, files: 5 });
  });

  test("find a model that gives another answer than the stored one", async () => {
    const [one, other] = [join(root, "one"), join(root, "other")];
    await writeBundle(one, parts);
    const { files } = await writeBundle(other, { ...parts, model: modelOf(2) });
    const manifest = JSON.parse(await readFile(join(one, "bundle.json"), "utf8"));
    manifest.files["model.onnx"] = files["model.onnx"];
    manifest.manifestSha256 = await manifestHash(readBundleManifest(manifest));
    await writeFile(join(one, "bundle.json"), JSON.stringify(manifest));
    await writeFile(join(one, "model.onnx"), await readFile(join(other, "model.onnx")));
    const { passed, largestDifference } = await verifyBundle(one);
    expect(passed).toBe(false);
    expect(largestDifference).toBeGreaterThan(1e-3);
  });

  test("say what to install without ONNX Runtime", async () => {
    await writeBundle(join(root, "b"), parts);
    vi.resetModules();
    vi.doMock("onnxruntime-node", () => {
      throw new Error("Cannot find package");
    });
    const { readBundle } = await import("./read-bundle.js");
    await expect(readBundle(join(root, "b"))).rejects.toThrow("npm install onnxruntime-node --ignore-scripts");
  });
});
