import { appendFile, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { asWriteError, writeFileAtomic } from "@plseg/data/node";

/** What a run writes down as it goes: one JSON object a line, each with its `step`. */
const METRICS_FILE = "metrics.jsonl";

/**
 * Appends a line to the metrics of a run.
 *
 * @throws ResourceError if the disk is full, DataError if it cannot be written otherwise: the last checkpoint is whole, and training can go on from it.
 */
export async function appendMetrics(run: string, line: object): Promise<void> {
  const path = join(run, METRICS_FILE);
  await appendFile(path, `${JSON.stringify(line)}\n`).catch((cause: unknown) => {
    throw asWriteError("trainRun", path, cause);
  });
}

/** Lets the lines reach the disk: a checkpoint must not outlive those before it. */
export async function syncMetrics(run: string): Promise<void> {
  const file = await open(join(run, METRICS_FILE), "a");
  await file.sync().finally(() => file.close());
}

/**
 * Drops the lines of what comes again when a run goes on from a checkpoint.
 *
 * @param step - The last step that counts.
 * @param validated - The last step whose validation counts.
 */
export async function dropMetricsAfter(run: string, step: number, validated: number): Promise<void> {
  const path = join(run, METRICS_FILE);
  const text = await readFile(path, "utf8").catch(() => "");
  const counts = (line: string): boolean => {
    const record = recordOf(line);
    return record !== undefined && record.step <= ("validation" in record ? validated : step);
  };
  const lines = text.split("\n").filter((line) => line !== "" && counts(line));
  await writeFileAtomic(path, lines.map((line) => `${line}\n`).join(""));
}

function recordOf(line: string): { readonly step: number } | undefined {
  try {
    const record = JSON.parse(line);
    return typeof record?.step === "number" ? record : undefined;
  } catch {
    return undefined; // the last line of a run that was killed may be cut short
  }
}
