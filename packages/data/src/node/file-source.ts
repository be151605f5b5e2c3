import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { type ByteSource, damaged, gzipBounds, isGzip } from "../byte-source.js";
import { unreadable } from "./read-bytes.js";

/**
 * Most and least bytes read at a time. Reading and inflating are done by other threads, and on a busy machine each handing over may wait for its
 * turn, so there should be few.
 */
const CHUNK = { most: 2 ** 20, least: 2 ** 14 };

/** What the errors of zlib mean. */
const ZLIB_ERRORS: Readonly<Record<string, string>> = {
  Z_BUF_ERROR: "its gzip stream is cut short",
  Z_DATA_ERROR: "its gzip stream is corrupt",
};

/**
 * The content of a file on disk, inflated while it is read.
 *
 * @throws DataError naming the path if it cannot be read.
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const { size, start, end } = await firstAndLast(path);
  const chunk = Math.min(CHUNK.most, Math.max(CHUNK.least, size));
  if (!isGzip(start))
    return { name: path, limit: size, claimed: undefined, chunks: () => readChunks(path, chunk, false) };
  return { name: path, ...gzipBounds(size, end), chunks: () => readChunks(path, chunk, true) };
}

async function firstAndLast(path: string) {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const start = new Uint8Array(2);
      const end = new Uint8Array(Math.min(4, size));
      await file.read(start, 0, start.length, 0);
      await file.read(end, 0, end.length, Math.max(0, size - 4));
      return { size, start, end };
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function* readChunks(path: string, chunk: number, gzip: boolean): AsyncGenerator<Uint8Array, void> {
  const file = createReadStream(path, { highWaterMark: chunk });
  const content = gzip ? createGunzip({ chunkSize: 2 * chunk }) : file;
  if (content !== file) {
    file.on("error", (error) => content.destroy(error));
    file.pipe(content as ReturnType<typeof createGunzip>);
  }
  try {
    for await (const piece of content) yield piece;
  } catch (cause) {
    const reason = ZLIB_ERRORS[(cause as NodeJS.ErrnoException).code ?? ""];
    throw reason ? damaged(path, reason, cause) : unreadable(path, cause);
  } finally {
    file.destroy();
    content.destroy();
  }
}
