import { type Affine, DataError, Random, scalingAffine, type Volume } from "@plseg/core";
import { toCanonical, windowIntensity } from "@plseg/data";
import { drawWeights, listWeights, plSegUnet, storedShape, writeSafetensors } from "@plseg/models";
import { expectClose } from "@plseg/test-kit";
import * as ort from "onnxruntime-node";
import { beforeAll, describe, expect, test } from "vitest";
import { exportModel } from "./export-model.js";
import { type LoadedBundle, loadBundle, segmentVolume } from "./load-bundle.js";
import type { BundleSource } from "./read-bundle-file.js";
import { sha256 } from "./sha256.js";
import { slidingWindow } from "./sliding-window.js";

const patchSize = [8, 8, 8] as const;
const network = plSegUnet({ classes: 3, features: [2, 4] });
const specs = listWeights(network, [1, 8, 8, 8, 1]);
const drawn = drawWeights(specs, 3);
const model = exportModel({ network, weights: drawn, patchSize });
const weights = writeSafetensors(
  new Map(
    specs.map(({ name, shape }) => {
      return [name, { dtype: "F32", shape: storedShape(shape), data: drawn.get(name) ?? new Float32Array(0) }];
    }),
  ),
);
const LABEL_VALUES = [0, 7, 300];
let manifest: Record<string, unknown> = {};

beforeAll(async () => {
  manifest = {
    formatVersion: 1,
    classes: ["background", "liver", "spleen"].map((name, i) => ({
      name,
      color: [i, i, i],
      labelValue: LABEL_VALUES[i],
    })),
    spacing: [3, 2, 2],
    orientation: "RAS",
    intensity: { level: 50, width: 350 },
    patchSize,
    network: { kind: "plSegUnet", features: [2, 4], dropout: [0], inChannels: 1, deepSupervision: true },
    provenance: { method: "pl-seg", annotatedCases: { liver: 1, spleen: 2 }, trainingCases: 3, plseg: "0.1.0" },
    files: { "model.onnx": { sha256: await sha256(model), bytes: model.length } },
  };
});

/** A bundle in memory; files given replace those of the sound bundle, and `undefined` removes them. */
function source(changes: Record<string, Uint8Array | undefined> = {}): BundleSource {
  const files = { "bundle.json": new TextEncoder().encode(JSON.stringify(manifest)), "model.onnx": model, ...changes };
  return {
    async read(name) {
      const bytes = (files as Record<string, Uint8Array | undefined>)[name];
      if (!bytes) throw new Error("404");
      return bytes;
    },
  };
}

const random = Random.of("scan");
const shape = [11, 8, 6] as const;
const affine: Affine = [0, -2, 0, 5, 2, 0, 0, 6, 0, 0, 3, 7, 0, 0, 0, 1];
const volume: Volume = {
  data: Float32Array.from({ length: 11 * 8 * 6 }, () => random.uniform(-200, 300)),
  shape,
  affine,
};

describe("loadBundle", () => {
  test("segments as its model does, window by window, into values on disk on the scan's grid", async () => {
    const bundle = await loadBundle(source(), { ort, threads: 1 });
    expect(bundle.classes.names).toEqual(["background", "liver", "spleen"]);
    const progress: number[] = [];
    const labels = await segmentVolume(bundle, volume, { overlap: 0.25, onProgress: (done) => progress.push(done) });
    expect({ ...labels, data: 0 }).toEqual({ data: 0, shape, affine });
    expect(progress).toEqual([1, 2]);

    const session = await ort.InferenceSession.create(model);
    const { volume: canonical, restore } = toCanonical(volume);
    const data = await slidingWindow({
      image: windowIntensity(canonical, { level: 50, width: 350 }),
      shape: canonical.shape,
      patchSize,
      classes: 3,
      overlap: 0.25,
      async predict(patch) {
        const { probabilities } = await session.run({ image: new ort.Tensor("float32", patch, [1, 1, 8, 8, 8]) });
        return probabilities?.data as Float32Array;
      },
    });
    const { data: indices } = restore({ ...canonical, data });
    expect(new Set(indices).size).toBeGreaterThan(1);
    expect(labels.data).toEqual(Uint16Array.from(indices, (index) => LABEL_VALUES[index] ?? -1));
    await session.release();
    await bundle.dispose();
  });

  test("makes a CPU a graph of its own from the weights, of any batch, which says the same", async () => {
    const listed = { sha256: await sha256(weights), bytes: weights.length };
    const files = { ...(manifest.files as object), "weights.safetensors": listed };
    const read: string[] = [];
    const whole = source({
      "bundle.json": new TextEncoder().encode(JSON.stringify({ ...manifest, files })),
      "weights.safetensors": weights,
    });
    const noting: BundleSource = {
      read(name) {
        read.push(name);
        return whole.read(name);
      },
    };
    const probabilitiesOf = async (bundle: LoadedBundle): Promise<number[]> => {
      const all: number[] = [];
      await bundle.segment(volume, { onSlice: (_, probabilities) => void all.push(...probabilities) });
      await bundle.dispose();
      return all;
    };
    const portable = await probabilitiesOf(await loadBundle(noting, { ort, threads: 1, portable: true }));
    const own = await probabilitiesOf(await loadBundle(noting, { ort, threads: 1 }));
    const two = await probabilitiesOf(await loadBundle(noting, { ort, threads: 1, batch: 2 }));
    expect(read.filter((name) => name !== "bundle.json")).toEqual([
      "model.onnx",
      "weights.safetensors",
      "weights.safetensors",
    ]);
    expectClose("from the weights", own, portable, { absolute: 2e-4 });
    expectClose("two windows at a time", two, own, { absolute: 2e-4 });
    await expect(loadBundle(whole, { ort, portable: true, batch: 2 })).rejects.toThrow(
      "1 for the portable model, got 2",
    );
  });

  test("gives a scan that is stored in another direction the same answer", async () => {
    const bundle = await loadBundle(source(), { ort, threads: 1 });
    const { volume: canonical, restore } = toCanonical(volume);
    const labels = await bundle.segment(volume, { overlap: 0.25 });
    expect(labels).toEqual(restore(await bundle.segment(canonical, { overlap: 0.25 })));
    await bundle.dispose();
  });

  test("resamples a scan of another spacing, and warns if it is much coarser", async () => {
    const bundle = await loadBundle(source(), { ort, threads: 1 });
    const warningsAt = async (spacing: readonly [number, number, number]): Promise<string[]> => {
      const warnings: string[] = [];
      const onWarning = (message: string): number => warnings.push(message);
      const scan = { ...volume, affine: scalingAffine(spacing) };
      const labels = await bundle.segment(scan, { onWarning });
      expect({ ...labels, data: labels.data.length }).toEqual({ ...scan, data: scan.data.length });
      return warnings;
    };
    expect(await warningsAt([5.9, 2, 1])).toEqual([]);
    expect(await warningsAt([3, 4.1, 2])).toEqual([
      "The scan's voxels are 3.00 × 4.10 × 2.00 mm (depth, height, width), more than 2 times as coarse as the 3.00 × 2.00 × 2.00 mm of the model. It is interpolated; small organs may be missed.",
    ]);
    await bundle.dispose();
  });

  test("refuses a volume that does not fill its shape", async () => {
    const bundle = await loadBundle(source(), { ort, threads: 1 });
    await expect(bundle.segment({ ...volume, shape: [11, 8, 7] })).rejects.toThrow(
      "segmentVolume: the volume must hold 616 voxels ([11, 8, 7]), got 528.",
    );
    await bundle.dispose();
  });

  test.each<[string, () => BundleSource]>([
    ["loadBundle: bundle.json of the bundle could not be read: 404", () => source({ "bundle.json": undefined })],
    ["loadBundle: model.onnx of the bundle could not be read: 404", () => source({ "model.onnx": undefined })],
    [`model.onnx must have ${model.length} bytes, got 9.`, () => source({ "model.onnx": model.subarray(0, 9) })],
    [
      "model.onnx must have the SHA-256",
      () => source({ "model.onnx": model.map((byte, i) => (i === 99 ? byte ^ 1 : byte)) }),
    ],
    [
      'bundle.json lists no file "model.onnx"',
      () => source({ "bundle.json": new TextEncoder().encode(JSON.stringify({ ...manifest, files: {} })) }),
    ],
    [
      "formatVersion must be 1, got 9",
      () => source({ "bundle.json": new TextEncoder().encode('{"formatVersion":9}') }),
    ],
    ["bundle.json is not JSON", () => source({ "bundle.json": new Uint8Array(4) })],
  ])("says that %s", async (message, broken) => {
    const loaded = loadBundle(broken(), { ort });
    await expect(loaded).rejects.toThrow(DataError);
    await expect(loaded).rejects.toThrow(message);
  });
});
