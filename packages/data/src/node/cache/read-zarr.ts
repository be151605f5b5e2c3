import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DataError, type Size3D, sizeOf } from "@plseg/core";
import {
  ABSENT,
  type ArrayOf,
  type ArrayType,
  bytesOf,
  CHUNK,
  chunkCounts,
  INDEX_ENTRY,
  newArray,
  type StoredVolume,
  shardOf,
} from "./zarr-format.js";

/** What a group says about itself; `undefined` if there is none. */
export async function readZarrAttributes(folder: string): Promise<unknown> {
  const text = await readFile(join(folder, "zarr.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return (JSON.parse(text) as { attributes?: unknown }).attributes;
  } catch {
    return undefined;
  }
}

/**
 * Reads a box of a volume, and of its file only the chunks that the box touches.
 *
 * @throws DataError naming the file if it is missing or cut short.
 */
export function readZarrBox<Type extends ArrayType>(
  folder: string,
  { type, shape, fill }: StoredVolume<Type>,
  origin: Size3D,
  size: Size3D,
): ArrayOf<Type> {
  const box = newArray(type, sizeOf(size));
  const chunks = chunkCounts(shape);
  withFile(shardOf(folder), (file, path) => {
    const index = Buffer.allocUnsafe(sizeOf(chunks) * INDEX_ENTRY);
    readExactly(file, path, index, fstatSync(file).size - index.length);
    const chunk = newArray(type, sizeOf(CHUNK));
    const first = origin.map((from, axis) => Math.floor(from / (CHUNK[axis] as number))) as unknown as Size3D;
    const last = origin.map((from, axis) =>
      Math.floor((from + (size[axis] as number) - 1) / (CHUNK[axis] as number)),
    ) as unknown as Size3D;
    for (let d = first[0]; d <= last[0]; d++)
      for (let h = first[1]; h <= last[1]; h++)
        for (let w = first[2]; w <= last[2]; w++) {
          const entry = ((d * chunks[1] + h) * chunks[2] + w) * INDEX_ENTRY;
          if (index.readUInt32LE(entry) === ABSENT && index.readUInt32LE(entry + 4) === ABSENT) chunk.fill(fill);
          else readExactly(file, path, bytesOf(chunk), Number(index.readBigUInt64LE(entry)));
          copyIntoBox(box, origin, size, chunk, [d * CHUNK[0], h * CHUNK[1], w * CHUNK[2]]);
        }
  });
  return box;
}

/** One number of a list. @throws DataError naming the file if it is missing or cut short. */
export function readZarrListItem(folder: string, item: number): number {
  const bytes = Buffer.allocUnsafe(4);
  withFile(join(folder, "c", "0"), (file, path) => readExactly(file, path, bytes, 4 * item));
  return bytes.readUInt32LE();
}

function copyIntoBox(
  box: ArrayOf<ArrayType>,
  origin: Size3D,
  size: Size3D,
  chunk: ArrayOf<ArrayType>,
  corner: Size3D,
): void {
  const range = (axis: 0 | 1 | 2): readonly [number, number] => [
    Math.max(0, origin[axis] - corner[axis]),
    Math.min(CHUNK[axis], origin[axis] + size[axis] - corner[axis]),
  ];
  const [[d0, d1], [h0, h1], [w0, w1]] = [range(0), range(1), range(2)];
  for (let d = d0; d < d1; d++)
    for (let h = h0; h < h1; h++) {
      const from = (d * CHUNK[1] + h) * CHUNK[2];
      const to = ((corner[0] + d - origin[0]) * size[1] + corner[1] + h - origin[1]) * size[2] + corner[2] - origin[2];
      box.set(chunk.subarray(from + w0, from + w1), to + w0);
    }
}

function withFile(path: string, use: (file: number, path: string) => void): void {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (cause) {
    throw new DataError(`${path} cannot be read: ${(cause as Error).message}. ${REBUILD}`, { cause });
  }
  try {
    use(file, path);
  } finally {
    closeSync(file);
  }
}

const REBUILD = "Delete its case from the cache, which is built again then.";

function readExactly(file: number, path: string, bytes: Uint8Array, position: number): void {
  const count = position < 0 || !Number.isSafeInteger(position) ? 0 : readSync(file, bytes, 0, bytes.length, position);
  if (count < bytes.length) throw new DataError(`${path} is cut short or damaged. ${REBUILD}`);
}
