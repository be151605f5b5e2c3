import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "@plseg/core";
import { writeFileAtomic } from "@plseg/data/node";
import { type FlatLayout, readSafetensors, type SafetensorsTensor, storedShape, writeSafetensors } from "@plseg/models";
import * as v from "valibot";
import type { TrainState } from "../train.js";
import {
  CHECKPOINT_FILE,
  type CheckpointName,
  checkpointFolder,
  checkpointPath,
  freshCheckpointPath,
  replaceCheckpoint,
} from "./checkpoint-folder.js";
import type { RunProgress } from "./run-progress.js";

/** What a checkpoint holds. */
export interface Checkpoint {
  /** Of the training. */
  readonly state: TrainState;
  /** Of the run around it. */
  readonly progress: RunProgress;
}

const WEIGHTS = "weights.safetensors";
const STATE = "state.safetensors";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const aboutSchema = v.strictObject({
  version: v.literal(2),
  step: count,
  recent: v.strictObject({ losses: v.array(v.number()), gradientNorms: v.array(v.number()) }),
  progress: v.strictObject({
    validated: count,
    best: v.nullable(v.strictObject({ step: count, dice: v.number() })),
    rollbacks: v.array(v.strictObject({ step: count, to: count })),
  }),
  sha256: v.strictObject({ [WEIGHTS]: hash, [STATE]: hash }),
});

type About = v.InferOutput<typeof aboutSchema>;

/**
 * Writes a checkpoint: `weights.safetensors` (parameters and buffers by name, in PyTorch's layout), `state.safetensors`
 * (optimizer and loss state) and `checkpoint.json` (step, progress, and the SHA-256 of the other two). Everything is on the
 * disk before it replaces the older one of that name: a run that is killed at any moment has one of the two, whole.
 *
 * @param keepOlder - Keep the one that it replaces as `previous`.
 * @throws ResourceError if the disk is full; DataError if the folder cannot be written.
 */
export async function writeCheckpoint(
  run: string,
  name: CheckpointName,
  { state, progress }: Checkpoint,
  layout: FlatLayout,
  keepOlder = false,
): Promise<void> {
  const folder = freshCheckpointPath(run, name);
  await rm(folder, { recursive: true, force: true });
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
  const files = { [WEIGHTS]: writeSafetensors(new Map(weights)), [STATE]: writeSafetensors(new Map(others)) };
  try {
    for (const [file, bytes] of Object.entries(files)) await writeFileAtomic(join(folder, file), bytes);
    const about: About = {
      version: 2,
      step: state.step,
      recent: { losses: [...state.recent.losses], gradientNorms: [...state.recent.gradientNorms] },
      progress: { ...progress, rollbacks: [...progress.rollbacks] },
      sha256: { [WEIGHTS]: sha256(files[WEIGHTS]), [STATE]: sha256(files[STATE]) },
    };
    await writeFileAtomic(join(folder, CHECKPOINT_FILE), `${JSON.stringify(about)}\n`);
  } catch (cause) {
    await rm(folder, { recursive: true, force: true }).catch(() => {});
    throw cause;
  }
  await replaceCheckpoint(run, name, keepOlder);
}

/**
 * Reads a checkpoint.
 *
 * @throws DataError if it is missing, damaged (then it says which file), or of another network.
 */
export async function readCheckpoint(run: string, name: CheckpointName, layout: FlatLayout): Promise<Checkpoint> {
  const { folder, about } = await openCheckpoint(run, name);
  const weights = await readTensors(folder, WEIGHTS, about);
  const tensors = await readTensors(folder, STATE, about);
  const { step, recent, progress } = about;
  return { state: { step, recent, tensors: { ...Object.fromEntries(tensors), ...layout.pack(weights) } }, progress };
}

/** The weights of a checkpoint as a safetensors file. @throws DataError if the checkpoint is missing or damaged. */
export async function readCheckpointWeights(run: string, name: CheckpointName): Promise<Uint8Array> {
  const { folder, about } = await openCheckpoint(run, name);
  return readChecked(folder, WEIGHTS, about);
}

/** The step of a checkpoint; nothing if there is none, or if it is damaged. Its numbers are not read. */
export async function checkpointStep(run: string, name: CheckpointName): Promise<number | undefined> {
  return openCheckpoint(run, name).then(
    ({ about }) => about.step,
    () => undefined,
  );
}

async function openCheckpoint(run: string, name: CheckpointName): Promise<{ folder: string; about: About }> {
  const folder = await checkpointFolder(run, name);
  if (!folder) throw new DataError(`readCheckpoint: ${checkpointPath(run, name)} is missing. Has it been trained?`);
  const path = join(folder, CHECKPOINT_FILE);
  const text = await readFile(path, "utf8");
  try {
    return { folder, about: v.parse(aboutSchema, JSON.parse(text)) };
  } catch (cause) {
    throw new DataError(`readCheckpoint: ${path} is damaged, or of another version: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

async function readTensors(
  folder: string,
  file: typeof WEIGHTS | typeof STATE,
  about: About,
): Promise<Map<string, Float32Array>> {
  const { tensors } = readSafetensors(await readChecked(folder, file, about));
  return new Map([...tensors].map(([name, { data }]) => [name, data as Float32Array]));
}

async function readChecked(folder: string, file: typeof WEIGHTS | typeof STATE, about: About): Promise<Uint8Array> {
  const path = join(folder, file);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DataError(`readCheckpoint: ${path} cannot be read: ${(cause as Error).message}.`, { cause });
  });
  if (sha256(bytes) === about.sha256[file]) return bytes;
  throw new DataError(
    `readCheckpoint: ${path} is damaged: it has ${bytes.length} bytes whose SHA-256 is not the one in ${CHECKPOINT_FILE}.`,
  );
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
