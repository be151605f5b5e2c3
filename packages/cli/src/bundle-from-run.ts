import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { classColor, DataError } from "@plseg/core";
import { exportModel, type LoadedBundle, loadBundle } from "@plseg/runtime";
import { type BundleParts, importOnnxRuntime, type ReadBundleOptions, readBundle } from "@plseg/runtime/node";
import { runNetworkDescription } from "@plseg/train/node";
import { readRunConfig, readTrainedNetwork } from "./read-run.js";
import { packageVersion } from "./versions.js";

/**
 * What a bundle of a run's best network is made of, ready for `writeBundle`.
 *
 * @throws DataError if the folder is no run, or has no sound checkpoint.
 */
export async function bundleFromRun(run: string): Promise<BundleParts> {
  const config = await readRunConfig(run);
  const { network, weights, safetensors } = await readTrainedNetwork(run, config);
  const { spacing, intensity, patchSize } = config.plan;
  return {
    manifest: {
      classes: config.classes.map((name, index) => {
        return { name, color: classColor(index), labelValue: config.labelValues[index] ?? index };
      }),
      spacing,
      orientation: "RAS",
      intensity,
      patchSize,
      network: runNetworkDescription(config),
      provenance: {
        method: config.method,
        annotatedCases: config.annotatedCases,
        trainingCases: config.trainingCases,
        plseg: packageVersion("@plseg/cli"),
      },
    },
    model: exportModel({ network, weights, patchSize }),
    weights: safetensors,
  };
}

/**
 * Loads a model that is ready to segment from a bundle or, without writing one, from a run.
 *
 * @throws DataError if the folder is neither, or damaged; ResourceError if the device cannot run it.
 */
export async function loadModel(folder: string, options: ReadBundleOptions = {}): Promise<LoadedBundle> {
  if (await exists(join(folder, "bundle.json"))) return readBundle(folder, options);
  if (!(await exists(join(folder, "config.json"))))
    throw new DataError(
      `loadModel: ${folder} is neither a run (there is no config.json) nor a bundle (there is no bundle.json). Give a folder written by "plseg train" or "plseg export".`,
    );
  const { manifest, model, weights } = await bundleFromRun(folder);
  const contents: Record<string, Uint8Array> = { "model.onnx": model, "weights.safetensors": weights };
  const files = Object.fromEntries(
    Object.entries(contents).map(([name, bytes]) => {
      return [name, { sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length }];
    }),
  );
  contents["bundle.json"] = new TextEncoder().encode(JSON.stringify({ formatVersion: 1, ...manifest, files }));
  const { ort = await importOnnxRuntime(), ...rest } = options;
  return loadBundle({ read: async (name) => contents[name] as Uint8Array }, { ...rest, ort });
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;
