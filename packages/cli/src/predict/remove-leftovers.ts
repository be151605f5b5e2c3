import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { PredictionJob } from "./plan-predictions.js";
import { SPOOL_NAME } from "./probability-spool.js";

/** What `writeFileAtomic` calls a file that is being written. */
const TEMPORARY = /^(.+)\.tmp-(\d+)-[0-9a-f]+$/;

/** Removes what a killed process was writing for these cases: files of a process that does not run, or was this one's forerunner. */
export async function removeLeftovers(folder: string, jobs: readonly PredictionJob[]): Promise<void> {
  const own = new Set(jobs.flatMap(({ labels, record, preview }) => [labels, record, preview].map((p) => basename(p))));
  await removeFrom(folder, (name) => own.has(name) || name === SPOOL_NAME);
  for (const { probabilities } of jobs) await removeFrom(probabilities, () => true);
}

async function removeFrom(folder: string, isOwn: (name: string) => boolean): Promise<void> {
  for (const file of await readdir(folder).catch(() => [])) {
    const [, name = "", pid = ""] = TEMPORARY.exec(file) ?? [];
    if (name !== "" && isOwn(name) && !isRunning(Number(pid))) await rm(join(folder, file), { force: true });
  }
}

/** This process has written nothing yet: what bears its number is of an earlier one, as in containers. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
