import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "@plseg/data/node";

/** An organ in a predicted label map. */
export interface OrganMeasure {
  /** Name of the class. */
  readonly organ: string;
  /** Its value in the label map. */
  readonly label: number;
  /** How many voxels it has. */
  readonly voxels: number;
  /** Its volume. */
  readonly milliliters: number;
  /** Mean of the scan over it, in Hounsfield units; `null` if there is none of it. */
  readonly meanHu: number | null;
  /** Standard deviation of the scan over it, of all these voxels; `null` if there is none of it. */
  readonly standardDeviationHu: number | null;
}

/** All that decides what a label map is. */
export interface MadeOf {
  /** SHA-256 of the model and of what says how scans come before it. */
  readonly model: string;
  /** SHA-256 of the scan's file, or of the files of a series. */
  readonly image: string;
  /** The options that change label maps, in a fixed order. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What lies beside a label map as `CASE.prediction.json`. The same scan, model and options give the same record. */
export interface PredictionRecord {
  /** Of the format. */
  readonly version: 1;
  /** Name of the case. */
  readonly id: string;
  /** Name of the scan's file or folder. */
  readonly image: string;
  /** What the label map is made of. */
  readonly madeOf: MadeOf;
  /** The label map's file. */
  readonly labels: { readonly file: string; readonly sha256: string };
  /** Other files by their path from the folder of the record, with forward slashes, and their bytes. */
  readonly files: Readonly<Record<string, number>>;
  /** Every organ that the model knows. */
  readonly organs: readonly OrganMeasure[];
  /** Version of plseg that wrote it. */
  readonly plseg: string;
}

/** Writes a record whole or not at all. @throws DataError or ResourceError as `writeFileAtomic`. */
export const writeRecord = (path: string, record: PredictionRecord): Promise<void> =>
  writeFileAtomic(path, `${JSON.stringify(record, undefined, 2)}\n`);

/** A record, or nothing if there is none that this version can read. */
export async function readRecord(path: string): Promise<PredictionRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(path, "utf8"));
    return record?.version === 1 && record.labels && record.files && record.organs ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Whether two label maps must be the same. */
export const isSameMaking = (a: MadeOf, b: MadeOf): boolean =>
  a.model === b.model && a.image === b.image && JSON.stringify(a.options) === JSON.stringify(b.options);
