import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { DataError } from "@plseg/core";
import { isDicomFolder } from "@plseg/data/node";

/** A NIfTI file or a folder with a DICOM series, and the name of its case. */
export interface NamedVolume {
  /** The name without ending and, for images, without nnU-Net's channel number. */
  readonly id: string;
  readonly path: string;
}

/** How names of files become names of cases. */
export interface ListVolumesOptions {
  /** Says what the files are in messages, such as `predictions`. */
  readonly what: string;
  /** Whether nnU-Net's `_0000` is no part of the name of the case. */
  readonly channelSuffix?: boolean;
  /** Whether a folder may be a series of DICOM slices, or hold folders that are. */
  readonly dicomSeries?: boolean;
}

const ENDING = /\.nii(\.gz)?$/;

/** Whether a path names a NIfTI file. */
export const isVolumeName = (path: string): boolean => ENDING.test(path);

/**
 * The NIfTI files of a folder, by name, or the one file that `path` is. With `dicomSeries`, in a folder without them, the
 * series that it is, or those in its folders.
 *
 * @throws DataError if there is nothing at `path`, nothing of the kind in the folder, or two files of one case.
 */
export async function listVolumes(
  path: string,
  { what, channelSuffix = false, dicomSeries = false }: ListVolumesOptions,
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
  if (files.length === 0) {
    const series = dicomSeries ? await listSeries(path) : [];
    if (series.length > 0) return series.map((folder) => ({ id: basename(resolve(folder)), path: folder }));
    throw new DataError(
      `${what}: the folder ${path} holds no .nii or .nii.gz file${dicomSeries ? " and no DICOM series" : ""}.`,
    );
  }
  const volumes = files.map((name) => named(join(path, name)));
  for (const [i, { id, path: file }] of volumes.entries()) {
    const twin = volumes.slice(0, i).find((other) => other.id === id);
    if (twin)
      throw new DataError(`${what}: ${twin.path} and ${file} are both the case "${id}". Move one of them away.`);
  }
  return volumes;
}

/** The folder itself if it is a series of DICOM slices, else those of its folders that are. */
async function listSeries(path: string): Promise<string[]> {
  if (await isDicomFolder(path)) return [path];
  const entries = await readdir(path, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name));
  const series = await Promise.all(folders.map(isDicomFolder));
  return folders.filter((_, i) => series[i]).sort();
}

/** @throws DataError if there is nothing at `path`. */
async function isFolder(path: string, what: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw new DataError(`${what}: there is no file or folder ${path}.`, { cause });
  }
}
