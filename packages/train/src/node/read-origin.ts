import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DataError, type Size3D } from "@plseg/core";
import type { IntensityRule } from "@plseg/data";
import type { BundleNetwork } from "@plseg/runtime";
import { readBundleWeights } from "@plseg/runtime/node";
import { describeNetwork } from "../train-step.js";
import { readCheckpoint } from "./checkpoint.js";
import { checkpointFolder } from "./checkpoint-folder.js";
import { checkRunConfig } from "./run-config.js";
import { runNetwork, runNetworkDescription } from "./run-network.js";

/** A trained model that another training can begin with. */
export interface Origin {
  /** Folder of the run or bundle, absolute. */
  readonly path: string;
  /** Of its file of weights, in lower-case hexadecimal. */
  readonly weightsSha256: string;
  /** Background first. */
  readonly classes: readonly string[];
  /** Value of each class in label maps. */
  readonly labelValues: readonly number[];
  /** What the weights belong to. */
  readonly network: BundleNetwork;
  /** Millimeters along depth, height, width. */
  readonly spacing: Size3D;
  /** Voxels along depth, height, width. */
  readonly patchSize: Size3D;
  /** How intensities come before the network. */
  readonly intensity: IntensityRule;
  /** Every parameter and buffer by name, each in stored order. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/**
 * Reads what a training can begin with: the weights of a bundle, or of the best checkpoint of a run, the last one if it
 * was never validated.
 *
 * @throws DataError if the folder is neither, or damaged.
 */
export async function readOrigin(folder: string): Promise<Origin> {
  const exists = async (name: string): Promise<boolean> =>
    (await stat(join(folder, name)).catch(() => undefined)) !== undefined;
  if (await exists("bundle.json")) return originFromBundle(folder);
  if (await exists("config.json")) return originFromRun(folder);
  throw new DataError(
    `readOrigin: ${folder} is neither a run (there is no config.json) nor a bundle (there is no bundle.json). Give a folder written by "plseg train", "plseg export" or "plseg import".`,
  );
}

async function originFromBundle(folder: string): Promise<Origin> {
  const { manifest, weights } = await readBundleWeights(folder);
  const { classes, network, spacing, patchSize, intensity, files } = manifest;
  return {
    path: resolve(folder),
    weightsSha256: files["weights.safetensors"]?.sha256 ?? "",
    classes: classes.map(({ name }) => name),
    labelValues: classes.map(({ labelValue }) => labelValue),
    ...{ network, spacing, patchSize, intensity, weights },
  };
}

async function originFromRun(folder: string): Promise<Origin> {
  const path = join(folder, "config.json");
  const config = checkRunConfig(JSON.parse(await readFile(path, "utf8")), path);
  const { layout } = describeNetwork(runNetwork(config));
  for (const name of ["best", "last"] as const) {
    const checkpoint = await checkpointFolder(folder, name);
    if (checkpoint === undefined) continue;
    const { tensors } = (await readCheckpoint(folder, name, layout)).state;
    const { parameters = new Float32Array(), buffers = new Float32Array() } = tensors;
    const file = await readFile(join(checkpoint, "weights.safetensors"));
    return {
      path: resolve(folder),
      weightsSha256: createHash("sha256").update(file).digest("hex"),
      ...{ classes: config.classes, labelValues: config.labelValues, network: runNetworkDescription(config) },
      ...config.plan,
      weights: layout.unpack({ parameters, buffers }),
    };
  }
  throw new DataError(`readOrigin: ${folder} holds no checkpoint yet. Let "plseg train" write one first.`);
}
