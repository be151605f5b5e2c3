import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@plseg/data/node";
import { type PredictionRecord, readRecord } from "./prediction-record.js";

const COLUMNS = ["case", "organ", "label", "voxels", "milliliters", "mean_hu", "standard_deviation_hu"] as const;

/**
 * Writes `predictions.json` and `predictions.csv` of every case in the folder that has a label map and a record, whichever
 * command or shard made it. The same cases give the same bytes.
 *
 * @returns The paths of both; nothing if there is no such case.
 * @throws DataError or ResourceError as `writeFileAtomic`.
 */
export async function writePredictionTables(folder: string): Promise<{ json: string; csv: string } | undefined> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".prediction.json")).sort();
  const records: PredictionRecord[] = [];
  for (const name of names) {
    const record = await readRecord(join(folder, name));
    const hasLabels = record && (await stat(join(folder, record.labels.file)).catch(() => undefined));
    if (hasLabels) records.push(record);
  }
  if (records.length === 0) return undefined;
  const [json, csv] = [join(folder, "predictions.json"), join(folder, "predictions.csv")];
  await writeFileAtomic(json, `${JSON.stringify({ version: 1, predictions: records }, undefined, 2)}\n`);
  await writeFileAtomic(csv, [COLUMNS.join(","), ...records.flatMap(rowsOf)].map((row) => `${row}\n`).join(""));
  return { json, csv };
}

/** One row an organ, so that a table is filtered by organ, not by column. */
function rowsOf({ id, organs }: PredictionRecord): string[] {
  return organs.map(({ organ, label, voxels, milliliters, meanHu, standardDeviationHu }) =>
    [id, organ, label, voxels, milliliters, meanHu, standardDeviationHu].map(cell).join(","),
  );
}

/** Text as RFC 4180 wants it; nothing where there is no number. */
function cell(value: string | number | null): string {
  if (typeof value !== "string") return value === null ? "" : String(value);
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
