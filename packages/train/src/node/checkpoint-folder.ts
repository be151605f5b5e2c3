import { readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFolder } from "./sync-folder.js";

/** Which checkpoint of a run: the newest, the one before it, that of the best validation, or the one kept of a step. */
export type CheckpointName = "last" | "previous" | "best" | number;

/** Written last into a checkpoint: where it is, the others are. */
export const CHECKPOINT_FILE = "checkpoint.json";

/** Where a checkpoint lies, or would: `checkpoint-last`, `checkpoint-000500`. */
export function checkpointPath(run: string, name: CheckpointName): string {
  return join(run, `checkpoint-${typeof name === "number" ? String(name).padStart(6, "0") : name}`);
}

/** The folder of a checkpoint, if there is one, also where a write was cut short between two renames. */
export async function checkpointFolder(run: string, name: CheckpointName): Promise<string | undefined> {
  const folder = checkpointPath(run, name);
  for (const candidate of [folder, ...ASIDE.map((ending) => folder + ending)])
    if (await exists(join(candidate, CHECKPOINT_FILE))) return candidate;
  return undefined;
}

/** The checkpoints that a run holds. */
export async function listCheckpoints(run: string): Promise<CheckpointName[]> {
  const names = (await readdir(run).catch(() => [])).flatMap((entry): CheckpointName[] => {
    const [, word, step] = /^checkpoint-(?:(last|previous|best)|(\d{6,}))$/.exec(entry) ?? [];
    return step === undefined ? (word === undefined ? [] : [word as CheckpointName]) : [Number(step)];
  });
  return names;
}

/** What a checkpoint is called while one replaces another. */
const [NEW, OLD, GONE] = [".new", ".old", ".gone"] as const;
const ASIDE = [NEW, OLD, GONE];

/** Where the files of a checkpoint are written before it gets its name. */
export const freshCheckpointPath = (run: string, name: CheckpointName): string => checkpointPath(run, name) + NEW;

/**
 * Gives a freshly written checkpoint its name. The older one of that name goes, or becomes the previous one. Killed at any
 * moment, this is done or not done, as {@link settleCheckpoints} decides.
 *
 * @param keepOlder - Keep the older one as `previous`.
 */
export async function replaceCheckpoint(run: string, name: CheckpointName, keepOlder: boolean): Promise<void> {
  const folder = checkpointPath(run, name);
  await syncFolder(folder + NEW);
  if (await exists(folder)) await rename(folder, folder + (keepOlder ? OLD : GONE));
  await rename(folder + NEW, folder);
  await syncFolder(dirname(folder));
  await settle(run, name);
}

/** Brings to an end what was cut short when a run was killed while it wrote checkpoints. */
export async function settleCheckpoints(run: string): Promise<void> {
  const cut = (await readdir(run).catch(() => [])).flatMap((entry): CheckpointName[] => {
    const [, word, step] = /^checkpoint-(?:(last|best)|(\d{6,}))\.(?:new|old|gone)$/.exec(entry) ?? [];
    return step === undefined ? (word === undefined ? [] : [word as CheckpointName]) : [Number(step)];
  });
  for (const name of new Set(cut)) await settle(run, name);
}

async function settle(run: string, name: CheckpointName): Promise<void> {
  const folder = checkpointPath(run, name);
  const found = await checkpointFolder(run, name);
  if (found && found !== folder) {
    await rm(folder, { recursive: true, force: true });
    await rename(found, folder);
  }
  await rm(folder + NEW, { recursive: true, force: true });
  if (await exists(folder + OLD)) {
    await rm(checkpointPath(run, "previous"), { recursive: true, force: true });
    await rename(folder + OLD, checkpointPath(run, "previous"));
  }
  await rm(folder + GONE, { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
