import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import type { LabelMap, Volume, VoxelArray } from "@plseg/core";
import { collectImage, collectLabels } from "../read-nifti.js";
import type { ReadNiftiOptions } from "../read-nifti-options.js";
import { niftiParts, type WriteNiftiOptions } from "../write-nifti.js";
import { openNiftiFile } from "./open-scan.js";
import { writeFileAtomic } from "./write-file-atomic.js";

/**
 * Reads a scan from a .nii or .nii.gz file, or from a pair, of which either file may be named.
 *
 * @throws DataError naming the path if the file is missing, unreadable or not a sound NIfTI (see `readNifti`).
 */
export async function readVolumeFile(path: string, options: Omit<ReadNiftiOptions, "name"> = {}): Promise<Volume> {
  return collectImage(await openNiftiFile(path, options));
}

/** Reads a label map from such a file. @throws DataError as {@link readVolumeFile}, and as `readLabelNifti`. */
export async function readLabelFile(path: string, options: Omit<ReadNiftiOptions, "name"> = {}): Promise<LabelMap> {
  return collectLabels(await openNiftiFile(path, options));
}

/**
 * Writes a volume whole or not at all; it is gzipped if the path ends in `.gz`, unless the options say otherwise.
 *
 * @throws DataError or ResourceError naming the path (see `writeFileAtomic`); ShapeError as `writeNifti`.
 */
export async function writeVolumeFile(
  path: string,
  volume: Volume<VoxelArray>,
  options: WriteNiftiOptions = {},
): Promise<void> {
  const parts = niftiParts(volume, options);
  const compress = options.compress ?? path.endsWith(".gz");
  await writeFileAtomic(path, compress ? Readable.from(parts).pipe(createGzip({ chunkSize: 2 ** 16 })) : parts);
}
