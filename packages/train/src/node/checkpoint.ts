import { readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "@plseg/core";
import { writeFileAtomic } from "@plseg/data/node";
import { type FlatLayout, readSafetensors, type SafetensorsTensor, storedShape, writeSafetensors } from "@plseg/models";
import * as v from "valibot";
import type { TrainState } from "../train.js";
import type { RunProgress } from "./run-progress.js";

/** Which checkpoint of a run. */
export type CheckpointName = "last" | "best";

/** What a checkpoint holds. */
export interface Checkpoint {
  /** Of the training. */
  readonly state: TrainState;
  /** Of the run around it. */
  readonly progress: RunProgress;
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const aboutSchema = v.strictObject({
  version: v.literal(2),
  step: count,
  progress: v.strictObject({
    validated: count,
    best: v.nullable(v.strictObject({ step: count, dice: v.number() })),
  }),
});

const WEIGHTS = "weights.safetensors";
const STATE = "state.safetensors";
const ABOUT = "checkpoint.json";

/**
 * Writes a checkpoint: `weights.safetensors` (parameters and buffers by name, in PyTorch's layout), `state.safetensors`
 * (optimizer and loss state) and `checkpoint.json` (step and progress). It replaces the older one of that name at once: a run that is killed
 * at any moment has one of the two, whole.
 *
 * @throws ResourceError if the disk is full; DataError if the folder cannot be written.
 */
export async function writeCheckpoint(
  run: string,
  name: CheckpointName,
  { state, progress }: Checkpoint,
  layout: FlatLayout,
): Promise<void> {
  const folder = folderOf(run, name);
  const [fresh, old] = [`${folder}.new`, `${folder}.old`];
  await rm(fresh, { recursive: true, force: true });
  const { parameters, buffers, ...rest } = state.tensors;
  if (!parameters || !buffers) throw new DataError("writeCheckpoint: the state has no parameters or no buffers.");
  const values = layout.unpack({ parameters, buffers });
  const weights = [...layout.parameters, ...layout.buffers].map((spec): [string, SafetensorsTensor] => [
    spec.name,
    { shape: storedShape(spec.shape), dtype: "F32", data: values.get(spec.name) as Float32Array },
  ]);
  const others = Object.entries(rest).map(([key, data]): [string, SafetensorsTensor] => [
    key,
    { shape: [data.length], dtype: "F32", data },
  ]);
  await writeFileAtomic(join(fresh, WEIGHTS), writeSafetensors(new Map(weights)));
  await writeFileAtomic(join(fresh, STATE), writeSafetensors(new Map(others)));
  await writeFileAtomic(join(fresh, ABOUT), `${JSON.stringify({ version: 2, step: state.step, progress })}\n`);
  await rm(old, { recursive: true, force: true });
  if (await exists(folder)) await rename(folder, old);
  await rename(fresh, folder);
  await rm(old, { recursive: true, force: true });
}

/**
 * Reads a checkpoint.
 *
 * @throws DataError if it is missing, damaged, or of another network.
 */
export async function readCheckpoint(run: string, name: CheckpointName, layout: FlatLayout): Promise<Checkpoint> {
  const folder = await checkpointFolder(run, name);
  if (!folder) throw new DataError(`readCheckpoint: ${run} holds no checkpoint-${name}. Has it been trained?`);
  const { step, progress } = await readAbout(join(folder, ABOUT));
  const weights = await readTensors(join(folder, WEIGHTS));
  const tensors = await readTensors(join(folder, STATE));
  return { state: { step, tensors: { ...Object.fromEntries(tensors), ...layout.pack(weights) } }, progress };
}

async function readAbout(path: string): Promise<v.InferOutput<typeof aboutSchema>> {
  const text = await readFile(path, "utf8");
  try {
    return v.parse(aboutSchema, JSON.parse(text));
  } catch (cause) {
    throw new DataError(`readCheckpoint: ${path} is damaged, or of another version: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

/** The folder of a checkpoint, if there is one; the older one if a write was cut short between two renames. */
export async function checkpointFolder(run: string, name: CheckpointName): Promise<string | undefined> {
  const folder = folderOf(run, name);
  if (await exists(folder)) return folder;
  for (const other of [`${folder}.old`, `${folder}.new`]) if (await exists(join(other, ABOUT))) return other;
  return undefined;
}

const folderOf = (run: string, name: CheckpointName): string => join(run, `checkpoint-${name}`);

async function readTensors(path: string): Promise<Map<string, Float32Array>> {
  const { tensors } = readSafetensors(await readFile(path));
  return new Map([...tensors].map(([name, { data }]) => [name, data as Float32Array]));
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
