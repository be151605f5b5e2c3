import { ConfigError, DataError } from "@plseg/core";
import { readSafetensors } from "@plseg/models";
import type { BundleManifest } from "./bundle-manifest.js";
import { bundleNetwork } from "./bundle-network.js";
import { type InferenceModelOptions, inferenceModel } from "./inference-model.js";
import { type OnnxOptions, openSession } from "./onnx-session.js";
import { type BundleSource, readBundleFile } from "./read-bundle-file.js";
import type { SlidingWindowOptions } from "./sliding-window.js";

/** Options of `loadBundle`. */
export interface LoadBundleOptions extends OnnxOptions {
  /** Windows that are predicted at a time; 1 unless told. More keep a GPU busier, and gain nothing on a CPU. */
  readonly batch?: number;
  /**
   * Whether to run `model.onnx` as it is. Otherwise a CPU (`cpu`, `wasm`) gets a graph of its own, which is made from
   * `weights.safetensors`: the same network in half the time and a fraction of the memory. So does a `batch` of more than 1.
   */
  readonly portable?: boolean;
  /**
   * Whether the probabilities of a window come from a CPU in 32 bits. Otherwise they are rounded to 16, which takes less memory
   * and tells voxels apart that differ by 1/65535.
   */
  readonly exact?: boolean;
}

/** A network that predicts windows, `batch` at a time, as `slidingWindow` wants them. */
export interface WindowModel extends Required<Pick<SlidingWindowOptions, "predict" | "batch">> {
  /** Frees it. */
  dispose(): Promise<void>;
}

/** Opens the model of a bundle, whichever graph suits the device. What is thrown is said of `loadBundle`. */
export async function openWindowModel(
  source: BundleSource,
  manifest: BundleManifest,
  options: LoadBundleOptions,
): Promise<WindowModel> {
  const { ort, device = "cpu", batch = 1, portable = false, exact = false } = options;
  const isCpu = device === "cpu" || device === "wasm";
  if (!Number.isInteger(batch) || batch < 1 || (portable && batch > 1))
    throw new ConfigError(
      `loadBundle: batch must be a whole number above 0, and 1 for the portable model, got ${batch}.`,
    );
  const { patchSize, files } = manifest;
  const asItIs = batch === 1 && (portable || !isCpu || !files["weights.safetensors"]);
  const { model, outputs } = asItIs
    ? { model: await readBundleFile(source, manifest, "model.onnx"), outputs: [{ name: "probabilities" }] }
    : inferenceModel("loadBundle", {
        ...trainedNetwork(manifest, await readBundleFile(source, manifest, "weights.safetensors")),
        patchSize,
        batch,
        answer: !isCpu ? "volumes" : exact ? "slices" : "rounded slices",
        target: isCpu ? "cpu" : "gpu",
      });
  const session = await openSession(options, model, { arena: false });
  return {
    batch,
    async predict(patches) {
      const answers = await session.run({ image: new ort.Tensor("float32", patches, [batch, 1, ...patchSize]) });
      const parts = await Promise.all(
        outputs.map(async ({ name }) => {
          const part = answers[name];
          if (!part) throw new DataError(`segmentVolume: model.onnx has no output "${name}".`);
          return (await part.getData(true)) as Float32Array | Uint16Array;
        }),
      );
      return isCpu && !asItIs ? parts : (parts[0] as Float32Array);
    },
    dispose: () => session.release(),
  };
}

/** The network that a manifest describes, and its weights from `weights.safetensors`. */
function trainedNetwork(
  { classes, network }: BundleManifest,
  safetensors: Uint8Array,
): Pick<InferenceModelOptions, "network" | "weights"> {
  const weights = new Map<string, Float32Array>();
  for (const [name, { data }] of readSafetensors(safetensors).tensors) {
    if (!(data instanceof Float32Array))
      throw new DataError(`loadBundle: weights.safetensors: "${name}" must hold 32-bit floats.`);
    weights.set(name, data);
  }
  return { network: bundleNetwork(network, classes.length), weights };
}
