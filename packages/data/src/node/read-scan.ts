import type { Volume } from "@plseg/core";
import { collectImage } from "../read-nifti.js";
import type { ReadNiftiOptions } from "../read-nifti-options.js";
import { openScan } from "./open-scan.js";

/**
 * Reads a scan from wherever it is: a NIfTI file, either file of a .hdr/.img pair, or a folder with a series of DICOM slices.
 *
 * @throws DataError as `readVolumeFile` and `readDicomSeries`, and if there is nothing at the path.
 */
export async function readScan(path: string, options: Omit<ReadNiftiOptions, "name"> = {}): Promise<Volume> {
  return collectImage(await openScan(path, options));
}
