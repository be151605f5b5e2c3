import { access, constants, mkdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { ConfigError, DataError } from "@plseg/core";
import { isVolumeName, listInputs, withoutEnding } from "../volume-names.js";
import { itemsOf, type Shard } from "./shard.js";

/** A scan, and the files that are made of it. */
export interface PredictionJob {
  /** Name of the scan without channel and ending. */
  readonly id: string;
  /** Path of the scan. */
  readonly image: string;
  /** Path of the label map. */
  readonly labels: string;
  /** What the label map was made of, and what was measured in it. */
  readonly record: string;
  /** A picture. */
  readonly preview: string;
  /** Folder of the probabilities. */
  readonly probabilities: string;
}

/** What is to be done. */
export interface PredictionPlan {
  /** By name of the case. */
  readonly jobs: readonly PredictionJob[];
  /** Where the files go. */
  readonly folder: string;
  /** Whether the output is a folder, which gets tables of all cases. */
  readonly intoFolder: boolean;
}

/**
 * Which scan becomes which file. The folder of the files is made, and writing there is tried, before any work is done.
 *
 * @throws DataError if there is nothing to predict or the folder cannot be written to; ConfigError if several scans are
 *   to become one file, or a scan would be overwritten.
 */
export async function planPredictions(
  inputs: readonly string[],
  output: string,
  shard?: Shard,
): Promise<PredictionPlan> {
  const scans = await listInputs(inputs, { what: "predict", channelSuffix: true, dicomSeries: true });
  const isOne = scans.length === 1 && scans[0]?.path === inputs[0];
  const existing = await stat(output).catch(() => undefined);
  const intoFile = isVolumeName(output) && !existing?.isDirectory();
  if (intoFile && !isOne)
    throw new ConfigError(
      `predict: the input ${inputs.join(" ")} is no single scan, so the output must be a folder too, got ${output}. Name a folder.`,
    );
  const folder = intoFile ? dirname(output) : output;
  const all = scans.map(({ id, path }) => {
    const labels = intoFile ? output : join(folder, `${id}${path.endsWith(".nii") ? ".nii" : ".nii.gz"}`);
    const stem = join(folder, withoutEnding(basename(labels)));
    const files = { record: `${stem}.prediction.json`, preview: `${stem}.png`, probabilities: `${stem}_probabilities` };
    return { id, image: path, labels, ...files };
  });
  const overwritten = all.find(({ labels }) => all.some(({ image }) => resolve(labels) === resolve(image)));
  if (overwritten)
    throw new ConfigError(
      `predict: ${overwritten.labels} is an input and would be overwritten. Choose another output.`,
    );
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new DataError(`predict: ${folder} cannot be written to: ${(cause as Error).message}.`, { cause });
  }
  return { jobs: shard ? itemsOf(all, shard) : all, folder, intoFolder: !intoFile };
}
