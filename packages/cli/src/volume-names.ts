import { readdir, readFile, stat } from "node:fs/promises";
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

/** A name without `.nii` or `.nii.gz`. */
export const withoutEnding = (name: string): string => name.replace(ENDING, "");

/**
 * The volumes of several paths, sorted by the names of their cases. A path is what {@link listVolumes} takes, or a text file
 * (.txt) with a path on each line, of a file or a folder; empty lines and those that begin with # are passed over.
 *
 * @throws DataError as {@link listVolumes}, or if a list names nothing, or two volumes are of one case.
 */
export async function listInputs(paths: readonly string[], options: ListVolumesOptions): Promise<NamedVolume[]> {
  const volumes: NamedVolume[] = [];
  for (const path of paths)
    for (const entry of path.endsWith(".txt") ? await readList(path, options) : [path])
      volumes.push(...(await listVolumes(entry, options)));
  volumes.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  checkDistinct(volumes, options);
  return volumes;
}

async function readList(path: string, { what }: ListVolumesOptions): Promise<string[]> {
  const text = await readFile(path, "utf8").catch((cause: Error) => {
    throw new DataError(`${what}: the list ${path} cannot be read: ${cause.message}.`, { cause });
  });
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const entries = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (entries.length > 0) return entries;
  throw new DataError(`${what}: the list ${path} names no file. Write one path on each line.`);
}

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
    const name = withoutEnding(basename(file));
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
  checkDistinct(volumes, { what });
  return volumes;
}

/** @throws DataError if two volumes are of one case. */
function checkDistinct(volumes: readonly NamedVolume[], { what }: ListVolumesOptions): void {
  const known = new Map<string, string>();
  for (const { id, path } of volumes) {
    const twin = known.get(id);
    if (twin !== undefined)
      throw new DataError(`${what}: ${twin} and ${path} are both the case "${id}". Move one of them away.`);
    known.set(id, path);
  }
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
