import { randomBytes } from "node:crypto";
import { constants, copyFile, link, mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { asWriteError } from "./write-file-atomic.js";

/**
 * Copies a file byte by byte, whole or not at all. On file systems that can, the copy shares its blocks with the original
 * until one of them is changed.
 *
 * @param hardLink - Makes both names of one file instead, where both are on one file system: takes no space, but who
 *   changes the one file changes the other.
 * @throws ResourceError if the disk is full; DataError naming the path if it cannot be written.
 */
export async function copyFileAtomic(from: string, to: string, hardLink = false): Promise<void> {
  const temporary = `${to}.tmp-${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    await mkdir(dirname(to), { recursive: true });
    const linked =
      hardLink &&
      (await link(from, temporary).then(
        () => true,
        () => false,
      ));
    if (!linked) await copyFile(from, temporary, constants.COPYFILE_FICLONE);
    await rename(temporary, to);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw asWriteError("copyFileAtomic", to, cause);
  }
}
