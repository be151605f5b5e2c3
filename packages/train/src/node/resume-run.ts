import { DataError } from "@plseg/core";
import { checkpointStep, readCheckpoint } from "./checkpoint.js";
import { type CheckpointName, listCheckpoints, settleCheckpoints } from "./checkpoint-folder.js";
import type { PreparedRun, StartingPoint } from "./prepared-run.js";
import { NO_PROGRESS } from "./run-progress.js";

/**
 * Where a run goes on: at its last checkpoint, or at the one that was asked for; at the beginning if it was killed before
 * its first.
 *
 * @throws DataError if the checkpoint is missing or damaged; it names those that are sound.
 */
export async function resumeRun({ layout, options: { out, from = "last" } }: PreparedRun): Promise<StartingPoint> {
  await settleCheckpoints(out);
  const names = await listCheckpoints(out);
  if (names.length === 0 && from === "last") return { progress: NO_PROGRESS, stored: false };
  try {
    return { ...(await readCheckpoint(out, from, layout)), stored: from === "last" };
  } catch (cause) {
    if (!(cause instanceof DataError)) throw cause;
    const others = names.filter((name) => name !== from);
    const sound = (await Promise.all(others.map((name) => describe(out, name)))).filter((text) => text !== "");
    const advice =
      sound.length > 0 ? `Go on from an older one: --resume --from ${sound.join(", or ")}.` : "No other one is left.";
    throw new DataError(`${cause.message} ${advice}`, { cause });
  }
}

async function describe(run: string, name: CheckpointName): Promise<string> {
  const step = await checkpointStep(run, name);
  if (step === undefined) return "";
  return typeof name === "number" ? String(name) : `${name} (step ${step})`;
}
