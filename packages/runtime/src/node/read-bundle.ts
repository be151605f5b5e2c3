import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "@plseg/core";
import { type LoadedBundle, loadBundle } from "../load-bundle.js";
import type { BundleSource } from "../read-bundle-file.js";
import type { LoadBundleOptions } from "../window-model.js";
import { importOnnxRuntime } from "./import-onnx-runtime.js";

/** Options of {@link readBundle}. ONNX Runtime is `onnxruntime-node` unless told. */
export type ReadBundleOptions = Partial<LoadBundleOptions>;

/** The files of a bundle in a folder. Links in it are not followed: what they lead to may change, or never end. */
export function bundleFolder(folder: string): BundleSource {
  return {
    async read(name) {
      const path = join(folder, name);
      if (!(await lstat(path)).isFile())
        throw new DataError(`${path} is a link or a folder, not a file. Copy the bundle with the files themselves.`);
      return readFile(path);
    },
  };
}

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
