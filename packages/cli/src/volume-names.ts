import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { DataError } from "@plseg/core";

/** A NIfTI file and the name of its case. */
export interface NamedVolume {
  /** The file's name without ending and, for images, without nnU-Net's channel number. */
  readonly id: string;
  readonly path: string;
}

/** How names of files become names of cases. */
export interface ListVolumesOptions {
  /** Says what the files are in messages, such as `predictions`. */
  readonly what: string;
  /** Whether nnU-Net's `_0000` is no part of the name of the case. */
  readonly channelSuffix?: boolean;
}

const ENDING = /\.nii(\.gz)?$/;

/** Whether a path names a NIfTI file. */
export const isVolumeName = (path: string): boolean => ENDING.test(path);

/**
 * The NIfTI files of a folder, by name, or the one file that `path` is.
 *
 * @throws DataError if there is nothing at `path`, no NIfTI file in the folder, or two files of one case.
 */
export async function listVolumes(
  path: string,
  { what, channelSuffix = false }: ListVolumesOptions,
): Promise<NamedVolume[]> {
  const named = (file: string): NamedVolume => {
    const name = basename(file).replace(ENDING, "");
    return { id: channelSuffix ? name.replace(/_0000$/, "") : name, path: file };
  };
  if (!(await isFolder(path, what))) {
    if (isVolumeName(path)) return [named(path)];
    throw new DataError(`${what}: ${path} must be a .nii or .nii.gz file, or a folder of them.`);
  }
  const files = (await readdir(path)).filter((name) => isVolumeName(name) && !name.startsWith(".")).sort();
  if (files.length === 0) throw new DataError(`${what}: the folder ${path} holds no .nii or .nii.gz file.`);
  const volumes = files.map((name) => named(join(path, name)));
  for (const [i, { id, path: file }] of volumes.entries()) {
    const twin = volumes.slice(0, i).find((other) => other.id === id);
    if (twin)
      throw new DataError(`${what}: ${twin.path} and ${file} are both the case "${id}". Move one of them away.`);
  }
  return volumes;
}

/** @throws DataError if there is nothing at `path`. */
async function isFolder(path: string, what: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw new DataError(`${what}: there is no file or folder ${path}.`, { cause });
  }
}
