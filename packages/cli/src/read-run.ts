import { readdir, readFile } from "node:fs/promises";
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

/** What a training wrote down on its way. */
export interface RunHistory {
  readonly loss: readonly (readonly [step: number, loss: number])[];
  readonly validations: readonly {
    readonly step: number;
    /** Mean over organs. */
    readonly dice: number | null;
    readonly perClass: Readonly<Record<string, number | null>>;
  }[];
  /** Seconds that training took, over all sittings. */
  readonly seconds: number;
  /** Seconds of them in which it waited for patches. */
  readonly waited: number;
  /** By name of the class: in how many patches it was labeled. */
  readonly seen: Readonly<Record<string, number>>;
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

/** `metrics.jsonl` of a run; a last line that was cut short is left out. @throws DataError if another line is damaged. */
export async function readRunHistory(run: string): Promise<RunHistory> {
  const path = join(run, "metrics.jsonl");
  const lines = (await readFile(path, "utf8").catch(() => "")).split("\n");
  const loss: [number, number][] = [];
  const validations: RunHistory["validations"][number][] = [];
  const seen: Record<string, number> = {};
  let [seconds, sitting, waited] = [0, 0, 0];
  for (const [i, line] of lines.entries()) {
    if (line === "") continue;
    const record = parseRecord(line);
    if (!record && i === lines.length - 1) continue;
    if (!record) throw new DataError(`${path}: line ${i + 1} is not a JSON object with a step.`);
    if (typeof record.loss === "number") loss.push([record.step, record.loss]);
    if (typeof record.seconds === "number") {
      // The clock of a sitting begins at 0.
      seconds += record.seconds >= sitting ? record.seconds - sitting : record.seconds;
      sitting = record.seconds;
    }
    if (typeof record.waited === "number") waited += record.waited / 1000;
    for (const [name, patches] of Object.entries(record.seen ?? {})) seen[name] = (seen[name] ?? 0) + patches;
    if (record.validation) validations.push({ step: record.step, ...record.validation });
  }
  return { loss, validations, seconds, waited, seen };
}

/** `manifest.json` of a run, or nothing. */
export async function readRunManifest(run: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(join(run, "manifest.json"), "utf8").catch(() => undefined);
  if (text === undefined) return {};
  const manifest = await readJson(join(run, "manifest.json"), `${run} has a damaged manifest`);
  return typeof manifest === "object" && manifest !== null ? (manifest as Record<string, unknown>) : {};
}

/** The pictures of a run, by case. */
export async function readPictures(run: string): Promise<{ caption: string; png: Uint8Array }[]> {
  const folder = join(run, "pictures");
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".png")).sort();
  return Promise.all(
    names.map(async (name) => ({
      caption: `${name.slice(0, -".png".length)}: the scan, the reference as far as it is labeled, and the prediction`,
      png: await readFile(join(folder, name)),
    })),
  );
}

interface MetricsRecord {
  readonly step: number;
  readonly loss?: unknown;
  readonly seconds?: unknown;
  readonly waited?: unknown;
  readonly seen?: Readonly<Record<string, number>>;
  readonly validation?: { readonly dice: number | null; readonly perClass: Readonly<Record<string, number | null>> };
}

function parseRecord(line: string): MetricsRecord | undefined {
  try {
    const record = JSON.parse(line);
    return typeof record?.step === "number" ? record : undefined;
  } catch {
    return undefined;
  }
}

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
