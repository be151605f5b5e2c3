import { readFile } from "node:fs/promises";
import { DataError, type LabelMap, type Volume, type VoxelArray } from "@plseg/core";
import { type ReadNiftiOptions, readLabelNifti, readNifti } from "../read-nifti.js";
import { type WriteNiftiOptions, writeNifti } from "../write-nifti.js";
import { writeFileAtomic } from "./write-file-atomic.js";

/**
 * Reads a scan from a .nii or .nii.gz file.
 *
 * @throws DataError naming the path if the file is missing, unreadable or not a sound NIfTI (see `readNifti`).
 */
export async function readVolumeFile(path: string, options: Omit<ReadNiftiOptions, "name"> = {}): Promise<Volume> {
  return readNifti(await readBytes(path), { ...options, name: path });
}

/** Reads a label map from a .nii or .nii.gz file. @throws DataError as {@link readVolumeFile}, and as `readLabelNifti`. */
export async function readLabelFile(path: string, options: Omit<ReadNiftiOptions, "name"> = {}): Promise<LabelMap> {
  return readLabelNifti(await readBytes(path), { ...options, name: path });
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
  await writeFileAtomic(path, writeNifti(volume, { ...options, compress: options.compress ?? path.endsWith(".gz") }));
}

/** The content of a file. @throws DataError that says in words why it cannot be read. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT" || code === "ENOTDIR"
        ? "there is no such file"
        : code === "EISDIR"
          ? "it is a folder, not a file"
          : code === "EACCES"
            ? "permission is denied"
            : message;
    throw new DataError(`${path} cannot be read: ${reason}.`, { cause });
  }
}
