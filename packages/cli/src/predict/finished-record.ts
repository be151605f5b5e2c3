import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DataError } from "@plseg/core";
import { hashFile, readLabelFile } from "@plseg/data/node";
import type { PredictionJob } from "./plan-predictions.js";
import { isSameMaking, type MadeOf, type PredictionRecord, readRecord } from "./prediction-record.js";

/**
 * The record of a case if all that is wanted of it is there, whole, and what would be made now; `undefined` if it is to be
 * made, because something is missing, damaged, or of another scan, model or options.
 *
 * @param madeOf - What the label map would be made of now.
 * @param files - Other files that are wanted, as paths from the folder of the record.
 * @throws DataError if there is a label map that nobody can make again: one that was changed since it was written, or that
 *   something else wrote.
 */
export async function finishedRecord(
  { labels, record: path }: PredictionJob,
  madeOf: MadeOf,
  files: readonly string[],
): Promise<PredictionRecord | undefined> {
  if ((await sizeOfFile(labels)) === undefined) return undefined;
  const record = await readRecord(path);
  const isOurs = record !== undefined && record.labels.sha256 === (await hashFile(labels));
  if (record && !isOurs && !(await isReadable(labels))) return undefined;
  if (!isOurs)
    throw new DataError(
      `predict: ${labels} is there and was ${record ? "changed since plseg wrote it" : "not written by plseg predict"}. Move it away, choose another output, or replace it with --overwrite.`,
    );
  if (!isSameMaking(record.madeOf, madeOf)) return undefined;
  for (const file of files)
    if (record.files[file] === undefined || (await sizeOfFile(join(dirname(path), file))) !== record.files[file])
      return undefined;
  return record;
}

/** Bytes of a file, or `undefined` if there is none. */
export const sizeOfFile = async (path: string): Promise<number | undefined> =>
  (await stat(path).catch(() => undefined))?.size;

const isReadable = (path: string): Promise<boolean> =>
  readLabelFile(path).then(
    () => true,
    () => false,
  );
