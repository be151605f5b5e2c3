import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { DataError } from "@plseg/core";
import type { DatasetProblem } from "../dataset.js";

const ENDING = /\.nii(\.gz)?$/;

/** Names of what is in a folder, sorted, hidden entries left out; `undefined` if there is no such folder. */
export async function namesIn(path: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(path)).filter((name) => !name.startsWith(".")).sort();
  } catch {
    return undefined;
  }
}

/** Names of the folders in a folder, sorted. */
export async function foldersIn(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .sort();
}

/** Names of the .nii and .nii.gz files in a folder, sorted. */
export async function volumesIn(path: string): Promise<readonly string[]> {
  return ((await namesIn(path)) ?? []).filter((name) => ENDING.test(name));
}

/** A file's name without folder and without `.nii` or `.nii.gz`. */
export const stemOf = (path: string): string => basename(path).replace(ENDING, "");

/** The `.nii` or `.nii.gz` file of that stem in a folder. */
export async function volumeNamed(folder: string, stem: string): Promise<string | undefined> {
  const names = (await namesIn(folder)) ?? [];
  const name = [`${stem}.nii.gz`, `${stem}.nii`].find((candidate) => names.includes(candidate));
  return name === undefined ? undefined : join(folder, name);
}

/** `1 case`, `3 cases`. */
export const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;

/** Collects problems. */
export class Problems {
  readonly list: DatasetProblem[] = [];

  /** @param file - Path relative to the dataset's folder. */
  error(file: string, field: string, message: string): void {
    this.list.push({ file, field, message, severity: "error" });
  }

  /** @param file - Path relative to the dataset's folder. */
  warn(file: string, field: string, message: string): void {
    this.list.push({ file, field, message, severity: "warning" });
  }
}

/** @throws DataError saying how the layout looks, because nothing in the folder is of it. */
export function refuse(layout: string, dir: string, found: string, pattern: string): never {
  throw new DataError(`openSource: ${dir} is not in the layout ${layout}: ${found}.\n${pattern}`);
}
