import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A step of a run that went wrong. */
export interface RunIncident {
  /** Its file in the run. */
  readonly file: string;
  readonly step: number;
  /** What was wrong; empty if the file does not say. */
  readonly reason: string;
  /** The step that training went back to; `null` if it stopped. */
  readonly rolledBackTo: number | null;
}

/** What went wrong in a run, by its `incidents/*.json`, in the order of their names. Files that say nothing are left out. */
export async function readIncidents(run: string): Promise<RunIncident[]> {
  const names = (await readdir(join(run, "incidents")).catch(() => [])).filter((name) => name.endsWith(".json")).sort();
  const incidents = names.map(async (name): Promise<RunIncident[]> => {
    const file = join("incidents", name);
    try {
      const { step, reason = "", rolledBackTo = null } = JSON.parse(await readFile(join(run, file), "utf8"));
      return typeof step === "number" ? [{ file, step, reason: String(reason), rolledBackTo }] : [];
    } catch {
      return [];
    }
  });
  return (await Promise.all(incidents)).flat();
}
