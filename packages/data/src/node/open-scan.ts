import { access, stat } from "node:fs/promises";
import type { ScanSlabs } from "../nifti-slabs.js";
import { openNifti } from "../nifti-slabs.js";
import type { ReadNiftiOptions } from "../read-nifti-options.js";
import { fileSource } from "./file-source.js";
import { unreadable } from "./read-bytes.js";
import { openDicomSeries } from "./read-dicom-series.js";

/**
 * Opens a scan wherever it is, without reading its voxels: a NIfTI file, either file of a pair, or a folder with a series of
 * DICOM slices.
 *
 * @throws DataError naming the path if there is nothing, or the header is unsound.
 */
export async function openScan(path: string, options: Omit<ReadNiftiOptions, "name"> = {}): Promise<ScanSlabs> {
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  return found.isDirectory() ? openDicomSeries(path, options) : openNiftiFile(path, options);
}

/** Opens a NIfTI file, or the pair that either of its files names. @throws DataError as {@link openScan}. */
export async function openNiftiFile(path: string, options: Omit<ReadNiftiOptions, "name">): Promise<ScanSlabs> {
  const header = await twinOf(path, "img", "hdr");
  const file = await fileSource(header ?? path);
  const image = await twinOf(header ?? path, "hdr", "img");
  return openNifti(file, image === undefined ? undefined : await fileSource(image), options);
}

/** For a path that ends in `.<from>`, or `.<from>.gz`, the file beside it that ends in `.<to>`, gzipped or not. */
async function twinOf(path: string, from: string, to: string): Promise<string | undefined> {
  const match = new RegExp(`^(.*\\.)${from}(\\.gz)?$`, "i").exec(path);
  if (!match) return undefined;
  const [, stem = "", gz = ""] = match;
  for (const twin of [`${stem}${to}${gz}`, `${stem}${to}${gz === "" ? ".gz" : ""}`])
    if (
      await access(twin).then(
        () => true,
        () => false,
      )
    )
      return twin;
  return undefined;
}
