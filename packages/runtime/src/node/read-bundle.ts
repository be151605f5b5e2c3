import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BundleSource, type LoadedBundle, loadBundle } from "../load-bundle.js";
import type { OnnxOptions } from "../onnx-session.js";
import { importOnnxRuntime } from "./import-onnx-runtime.js";

/** Options of {@link readBundle}. ONNX Runtime is `onnxruntime-node` unless told. */
export type ReadBundleOptions = Partial<OnnxOptions>;

/** The files of a bundle in a folder. */
export const bundleFolder = (folder: string): BundleSource => ({ read: (name) => readFile(join(folder, name)) });

/**
 * Loads a bundle from a folder (see {@link loadBundle}).
 *
 * @throws DataError if a file is missing, damaged or of an unknown version; ResourceError if ONNX Runtime is missing or cannot run
 * it on the device.
 */
export async function readBundle(folder: string, options: ReadBundleOptions = {}): Promise<LoadedBundle> {
  const { ort = await importOnnxRuntime(), ...rest } = options;
  return loadBundle(bundleFolder(folder), { ...rest, ort });
}
