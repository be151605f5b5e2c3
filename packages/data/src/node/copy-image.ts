import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { copyFileAtomic } from "./copy-file-atomic.js";
import { readBytes } from "./read-bytes.js";
import { writeFileAtomic } from "./write-file-atomic.js";

/**
 * Copies a NIfTI file to a `.nii.gz`: byte by byte if it is gzipped, else gzipped, so that header and voxels stay as they are.
 *
 * @param link - Makes a hard link instead of a copy, where that is possible.
 * @throws DataError or ResourceError naming the path that cannot be read or written.
 */
export async function copyImage(from: string, to: string, link: boolean): Promise<void> {
  if (from.endsWith(".gz")) return copyFileAtomic(from, to, link);
  return writeFileAtomic(to, await promisify(gzip)(await readBytes(from)));
}
