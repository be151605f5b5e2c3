import { readdir } from "node:fs/promises";
import { DataError } from "@plseg/core";

/**
 * A folder to write into must be empty or not exist.
 *
 * @param where - Name of the function that checks, for the message.
 * @throws DataError naming what it holds.
 */
export async function checkEmptyFolder(where: string, out: string): Promise<void> {
  const [first] = await readdir(out).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    throw new DataError(`${where}: ${out} is not a folder. Choose another one.`, { cause });
  });
  if (first !== undefined)
    throw new DataError(`${where}: ${out} must be empty, it holds ${first}. Choose another folder.`);
}
