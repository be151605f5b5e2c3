import { stat } from "node:fs/promises";
import { DataError, type Volume } from "@plseg/core";
import type { ReadNiftiOptions } from "../read-nifti.js";
import { readDicomSeries } from "./read-dicom-series.js";
import { readVolumeFile } from "./volume-files.js";

/**
 * Reads a scan from wherever it is: a NIfTI file, or a folder with a series of DICOM slices.
 *
 * @throws DataError as `readVolumeFile` and `readDicomSeries`, and if there is nothing at the path.
 */
export async function readScan(path: string, options: Omit<ReadNiftiOptions, "name"> = {}): Promise<Volume> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError(`readScan: there is no file or folder ${path}.`, { cause });
  });
  return found.isDirectory() ? readDicomSeries(path, options) : readVolumeFile(path, options);
}
