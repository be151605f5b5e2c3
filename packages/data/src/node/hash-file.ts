import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { unreadable } from "./read-bytes.js";

/**
 * SHA-256 of a file's content, in hexadecimal; `undefined` for a folder.
 *
 * @throws DataError that says in words why it cannot be read.
 */
export async function hashFile(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    if ((await stat(path)).isDirectory()) return undefined;
    await pipeline(createReadStream(path), hash);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return hash.digest("hex");
}
