import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "@plseg/core";
import { hashFile } from "@plseg/data/node";

/**
 * SHA-256 of a scan: of its file, or of names and contents of the files of a series. Size and time of change are no
 * substitute: clusters copy scans to a node before they are read.
 *
 * @throws DataError if it cannot be read.
 */
export async function hashScan(path: string): Promise<string> {
  const whole = await hashFile(path);
  if (whole !== undefined) return whole;
  const names = await readdir(path).catch((cause: Error) => {
    throw new DataError(`predict: the folder ${path} cannot be read: ${cause.message}.`, { cause });
  });
  const hash = createHash("sha256");
  for (const name of names.sort()) {
    const content = await hashFile(join(path, name));
    if (content !== undefined) hash.update(`${name}\0${content}\0`);
  }
  return hash.digest("hex");
}
