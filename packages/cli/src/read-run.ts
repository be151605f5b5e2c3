import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DataError, type Network } from "@plseg/core";
import { readSafetensors } from "@plseg/models";
import { type CheckpointName, checkpointFolder, checkRunConfig, type RunConfig, runNetwork } from "@plseg/train/node";

/** A network as a run left it. */
export interface TrainedNetwork {
  readonly network: Network;
  /** Parameters and buffers by name, each in stored order. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** The same as a safetensors file. */
  readonly safetensors: Uint8Array;
  readonly checkpoint: CheckpointName;
}

/** `config.json` of a run. @throws DataError if the folder is no run, or the file is not as it should be. */
export async function readRunConfig(run: string): Promise<RunConfig> {
  const path = join(run, "config.json");
  const config = await readJson(path, `${run} is no run of "plseg train"`);
  try {
    return checkRunConfig(config, path);
  } catch (cause) {
    throw new DataError((cause as Error).message, { cause });
  }
}

/**
 * The network of a run with the weights of its best checkpoint, or of its last if it was never validated.
 *
 * @throws DataError if there is no checkpoint, or it is damaged.
 */
export async function readTrainedNetwork(run: string, config: RunConfig): Promise<TrainedNetwork> {
  for (const checkpoint of ["best", "last"] as const) {
    const folder = await checkpointFolder(run, checkpoint);
    if (folder === undefined) continue;
    const path = join(folder, "weights.safetensors");
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new DataError(`${path} cannot be read: ${(cause as Error).message}.`, { cause });
    });
    const weights = new Map<string, Float32Array>();
    for (const [name, { data }] of readSafetensors(bytes).tensors) {
      if (!(data instanceof Float32Array)) throw new DataError(`${path}: "${name}" must hold 32-bit floats.`);
      weights.set(name, data);
    }
    return { network: runNetwork(config), weights, safetensors: bytes, checkpoint };
  }
  throw new DataError(`${run} holds no checkpoint yet. Let "plseg train" write one first.`);
}

/** `manifest.json` of a run, or nothing. */
export async function readRunManifest(run: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(join(run, "manifest.json"), "utf8").catch(() => undefined);
  if (text === undefined) return {};
  const manifest = await readJson(join(run, "manifest.json"), `${run} has a damaged manifest`);
  return typeof manifest === "object" && manifest !== null ? (manifest as Record<string, unknown>) : {};
}

/** A JSON file. @throws DataError if it cannot be read. */
async function readJson(path: string, problem: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new DataError(`${problem}: ${path} cannot be read.`, { cause });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError(`${problem}: ${path} is not valid JSON: ${(cause as Error).message}.`, { cause });
  }
}
