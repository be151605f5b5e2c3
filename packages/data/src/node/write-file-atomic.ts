import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DataError, ResourceError } from "@plseg/core";

/** Errors of the machine, not of the path. */
const RESOURCE_ERRORS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full. Free some space",
  EDQUOT: "the disk quota is used up. Free some space",
  EFBIG: "the file is larger than this system allows",
  EMFILE: "too many files are open",
};

const PATH_ERRORS: Readonly<Record<string, string>> = {
  EACCES: "permission is denied. Choose another place or change its permissions",
  EPERM: "permission is denied. Choose another place or change its permissions",
  EROFS: "the file system is read-only. Choose another place",
  ENOTDIR: "a part of the path is a file, not a folder",
  EISDIR: "there is a folder of that name",
  EEXIST: "a part of the path is a file, not a folder",
};

/**
 * Writes a file whole or not at all: to `<path>.tmp-<pid>-…` in the same folder, which is then renamed. Folders that are
 * missing are made. Content may come in parts. If anything fails nothing of the new file is left, and an older file of that name is as it was.
 *
 * @throws ResourceError if the disk is full; DataError naming the path if it cannot be written.
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "wx");
    try {
      await writeFile(file, content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw asWriteError("writeFileAtomic", path, cause);
  }
}

/** What went wrong when something was written, in words: a ResourceError if the machine is at fault, else a DataError. */
export function asWriteError(where: string, path: string, cause: unknown): ResourceError | DataError {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  const resource = RESOURCE_ERRORS[code];
  if (resource) return new ResourceError(`${where}: ${path} could not be written: ${resource}.`, { cause });
  return new DataError(`${where}: ${path} could not be written: ${PATH_ERRORS[code] ?? message}.`, { cause });
}
