import { access, constants, mkdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ConfigError, DataError } from "@plseg/core";
import { toCanonical } from "@plseg/data";
import { readScan, writeVolumeFile } from "@plseg/data/node";
import type { Device, LoadedBundle } from "@plseg/runtime";
import { segmentVolume } from "@plseg/runtime";
import { loadModel } from "./bundle-from-run.js";
import { isVolumeName, listVolumes } from "./volume-names.js";

/** What is segmented, by what, and where the label maps go. */
export interface PredictFilesOptions {
  /** Folder of a run or a bundle. */
  readonly model: string;
  /** A scan (a NIfTI file, or a folder with a series of DICOM slices), or a folder of scans. */
  readonly input: string;
  /** A .nii or .nii.gz file, if the input is one scan; otherwise a folder, which is made if need be. */
  readonly output: string;
  /** Where the model runs; `cpu` unless told. */
  readonly device?: Device;
  /** CPU threads; as many as ONNX Runtime thinks best unless told. */
  readonly threads?: number;
  /** Part of a window that the next one covers again, in [0, 1). */
  readonly overlap?: number;
  /** Also write the probability of each class, as `<id>_probabilities/<index>_<class>.nii.gz` beside the label map. */
  readonly saveProbabilities?: boolean;
  /** Called after each window of a scan. */
  readonly onProgress?: (done: number, total: number, id: string) => void;
  /** Called with what the user should know, such as an unusual spacing. */
  readonly onWarning?: (message: string) => void;
}

/** A scan that was segmented. */
export interface Prediction {
  /** Name of the scan without channel and extension. */
  readonly id: string;
  /** Path of the scan. */
  readonly image: string;
  /** Path of the label map. */
  readonly labels: string;
  /** Voxels of each organ, by name. */
  readonly voxels: Readonly<Record<string, number>>;
  /** Time it took, reading and writing included. */
  readonly seconds: number;
}

/**
 * Segments scans and writes label maps on the scans' own grids, each file whole or not at all.
 *
 * @throws DataError if the model or a scan cannot be read, or the output cannot be written; ConfigError if several scans
 *   are to become one file; ResourceError if the disk is full or the device cannot run the model.
 */
export async function predictFiles(options: PredictFilesOptions): Promise<Prediction[]> {
  const { model, input, output, device, threads, overlap, saveProbabilities = false, onProgress, onWarning } = options;
  const jobs = await planOutputs(input, output);
  const bundle = await loadModel(model, {
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
  });
  try {
    const predictions: Prediction[] = [];
    for (const { id, image, labels } of jobs) {
      const start = performance.now();
      const { volume, restore } = toCanonical(await readScan(image, { ...(onWarning && { onWarning }) }));
      const probabilities = bundle.classes.names.map(
        () => new Float32Array(saveProbabilities ? volume.data.length : 0),
      );
      const canonical = await segmentVolume(bundle, volume, {
        ...(overlap !== undefined && { overlap }),
        onProgress: (done, total) => onProgress?.(done, total, id),
        onWarning: (message) => onWarning?.(`${image}: ${message}`),
        ...(saveProbabilities && { onSlice: (slice, values) => keepSlice(probabilities, slice, values) }),
      });
      const map = restore(canonical);
      if (saveProbabilities)
        for (const [index, data] of probabilities.entries()) {
          const name = `${index}_${(bundle.classes.names[index] ?? "").replaceAll(/[^\w-]+/g, "_")}.nii.gz`;
          await writeVolumeFile(join(dirname(labels), `${id}_probabilities`, name), restore({ ...volume, data }));
        }
      await writeVolumeFile(labels, map, { labels: labelValues(bundle) });
      const seconds = Math.round(performance.now() - start) / 1000;
      predictions.push({ id, image, labels, voxels: countVoxels(map.data, bundle), seconds });
    }
    return predictions;
  } finally {
    await bundle.dispose();
  }
}

/** Copies the probabilities of a slice, `[class, height, width]`, to where they belong in the map of each class. */
function keepSlice(maps: readonly Float32Array[], slice: number, values: Float32Array): void {
  const size = values.length / maps.length;
  for (const [index, map] of maps.entries()) map.set(values.subarray(index * size, (index + 1) * size), slice * size);
}

interface Job {
  readonly id: string;
  readonly image: string;
  readonly labels: string;
}

/** Which scan becomes which file. The folder of the files is made, and writing there is tried, before any work is done. */
async function planOutputs(input: string, output: string): Promise<Job[]> {
  const scans = await listVolumes(input, { what: "predict", channelSuffix: true, dicomSeries: true });
  const isOne = scans[0]?.path === input;
  const existing = await stat(output).catch(() => undefined);
  const intoFile = isVolumeName(output) && !existing?.isDirectory();
  if (intoFile && !isOne)
    throw new ConfigError(
      `predict: the input ${input} is a folder of scans, so the output must be a folder too, got ${output}. Name a folder.`,
    );
  const ending = (path: string): string => (path.endsWith(".nii") ? ".nii" : ".nii.gz");
  const jobs = scans.map(({ id, path }) => {
    return { id, image: path, labels: intoFile ? output : join(output, `${id}${ending(path)}`) };
  });
  const overwritten = jobs.find(({ labels }) => jobs.some(({ image }) => resolve(labels) === resolve(image)));
  if (overwritten)
    throw new ConfigError(
      `predict: ${overwritten.labels} is an input and would be overwritten. Choose another output.`,
    );
  const folder = intoFile ? dirname(output) : output;
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new DataError(`predict: ${folder} cannot be written to: ${(cause as Error).message}.`, { cause });
  }
  return jobs;
}

/** The value that stands for each class in the label map, for whoever opens it. */
const labelValues = ({ manifest }: LoadedBundle): Record<string, number> =>
  Object.fromEntries(manifest.classes.map(({ name, labelValue }) => [name, labelValue]));

function countVoxels(labels: Uint8Array | Uint16Array, { manifest }: LoadedBundle): Record<string, number> {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Object.fromEntries(
    manifest.classes.slice(1).map(({ name, labelValue }) => [name, counts.get(labelValue) ?? 0]),
  );
}
