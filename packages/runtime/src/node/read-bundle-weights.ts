import { DataError } from "@plseg/core";
import { readSafetensors } from "@plseg/models";
import type { BundleManifest } from "../bundle-manifest.js";
import { readBundleFile, readManifest } from "../read-bundle-file.js";
import { bundleFolder } from "./read-bundle.js";

/** The trainable part of a bundle. */
export interface BundleWeights {
  /** The content of `bundle.json`. */
  readonly manifest: BundleManifest;
  /** Every parameter and buffer by name, each in stored order. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/**
 * Reads the weights of a bundle in a folder, to train on; the model is not run.
 *
 * @throws DataError if `bundle.json` or the weights are missing, damaged or of an unknown version.
 */
export async function readBundleWeights(folder: string): Promise<BundleWeights> {
  const source = bundleFolder(folder);
  const manifest = await readManifest(source);
  const { tensors } = readSafetensors(await readBundleFile(source, manifest, "weights.safetensors"));
  const weights = new Map<string, Float32Array>();
  for (const [name, { data }] of tensors) {
    if (!(data instanceof Float32Array))
      throw new DataError(`readBundleWeights: ${folder}/weights.safetensors: "${name}" must hold 32-bit floats.`);
    weights.set(name, data);
  }
  return { manifest, weights };
}
