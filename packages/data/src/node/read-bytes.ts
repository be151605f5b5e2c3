import { readFile } from "node:fs/promises";
import { DataError } from "@plseg/core";

/** The content of a file. @throws DataError that says in words why it cannot be read. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The error that says in words why a file cannot be read. */
export function unreadable(path: string, cause: unknown): DataError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reason =
    code === "ENOENT" || code === "ENOTDIR"
      ? "there is no such file"
      : code === "EISDIR"
        ? "it is a folder, not a file"
        : code === "EACCES"
          ? "permission is denied"
          : message;
  return new DataError(`${path} cannot be read: ${reason}.`, { cause });
}
