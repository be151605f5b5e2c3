import { join } from "node:path";
import { PlsegError } from "@plseg/core";
import { writeFileAtomic } from "@plseg/data/node";
import type { DivergenceError } from "../divergence.js";
import { checkpointStep, readCheckpoint } from "./checkpoint.js";
import { type CheckpointName, listCheckpoints } from "./checkpoint-folder.js";
import { describePatches } from "./describe-patches.js";
import { isDue, type PreparedRun, type StartingPoint } from "./prepared-run.js";
import { NO_PROGRESS, type RunProgress } from "./run-progress.js";

/** Folder of a run with a file about each step that went wrong. */
const INCIDENTS = "incidents";

/** Learning rate after a rollback, by that before. */
const SLOWER = 0.5;

/** Of the learning rates of a run after so many rollbacks. */
export const rollbackFactor = ({ rollbacks }: RunProgress): number => SLOWER ** rollbacks.length;

/**
 * Goes back to the last good checkpoint after a step that went wrong: the newest of those that `checkpointEvery` made, or, if
 * training has gone back there already and has not got past the trouble, the next older one that is kept, and at last the
 * beginning. From there other patches are drawn, at half the learning rate. All of it follows from settings and seed, so
 * that a run that is killed meanwhile does the same again.
 *
 * @throws PlsegError after as many rollbacks as the settings allow.
 */
export async function rollBack(
  run: PreparedRun,
  cause: DivergenceError,
  progress: RunProgress,
): Promise<StartingPoint> {
  const { config, options } = run;
  const { step } = cause.record;
  const target = progress.rollbacks.length < config.rollbacks ? await findTarget(run, step, progress) : undefined;
  const to = target ? (target.state?.step ?? 0) : null;
  const file = await writeIncident(run, cause, progress, to);
  await options.onIncident?.({ step, reason: cause.reason, to, file });
  if (!target || to === null)
    throw new PlsegError(
      `trainRun: step ${step} went wrong: ${cause.reason}, after ${progress.rollbacks.length} rollbacks of ${config.rollbacks} that the settings allow. ` +
        `The last checkpoint is sound. ${file} says what the step saw: look at those cases, or train anew with a smaller learningRate than ${config.learningRate}.`,
      { cause },
    );
  return {
    ...target,
    progress: { ...target.progress, best: progress.best, rollbacks: [...progress.rollbacks, { step, to }] },
  };
}

async function findTarget(
  { config, layout, options: { out } }: PreparedRun,
  step: number,
  { rollbacks }: RunProgress,
): Promise<StartingPoint> {
  const candidates: { name: CheckpointName; step: number }[] = [];
  const newest = async (name: CheckpointName, onSchedule: boolean): Promise<void> => {
    const at = await checkpointStep(out, name);
    if (at !== undefined && at < step && (!onSchedule || isDue(config.checkpointEvery, at, config)))
      candidates.push({ name, step: at });
  };
  // One that was saved when the run was stopped is left out: a run without a stop does not have it.
  await newest("last", true);
  if (candidates.length === 0) await newest("previous", true);
  const [latest] = candidates;
  for (const name of await listCheckpoints(out)) if (typeof name === "number") await newest(name, false);
  await newest("best", false);
  candidates.sort((a, b) => b.step - a.step);
  const spent = rollbacks.filter((earlier) => earlier.step > (latest?.step ?? 0)).map(({ to }) => to);
  for (const { name, step: at } of candidates) {
    if (spent.includes(at)) continue;
    const found = await readCheckpoint(out, name, layout).catch(() => undefined); // a damaged one is passed over
    if (found) return { ...found, stored: false };
  }
  return { progress: NO_PROGRESS, stored: false };
}

/** Writes what there is to know of a step that went wrong. Its name tells the rollback, so that a step may have several. */
async function writeIncident(
  { config, options: { out } }: PreparedRun,
  { record, reason, batch }: DivergenceError,
  { rollbacks }: RunProgress,
  to: number | null,
): Promise<string> {
  const name = `step-${String(record.step).padStart(6, "0")}-${rollbacks.length + 1}.json`;
  const file = join(out, INCIDENTS, name);
  const { step, loss, terms, gradientNorm, learningRate } = record;
  const incident = {
    ...{ step, reason, loss, terms, gradientNorm, learningRate },
    rolledBackTo: to,
    patches: describePatches(batch, config.classes),
  };
  const legible = (_: string, value: unknown): unknown =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  await writeFileAtomic(file, `${JSON.stringify(incident, legible, 2)}\n`);
  return file;
}
