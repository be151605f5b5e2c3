import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Size3D, sizeOf } from "@plseg/core";
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

/** Writes a volume into a folder of its own. */
export async function writeZarrVolume<Type extends ArrayType>(
  folder: string,
  data: ArrayOf<Type>,
  { type, shape, fill }: StoredVolume<Type>,
): Promise<void> {
  const chunks = chunkCounts(shape);
  const bytesCodec = { name: "bytes", configuration: { endian: "little" } };
  await writeJson(folder, {
    zarr_format: 3,
    node_type: "array",
    shape,
    data_type: type,
    chunk_grid: {
      name: "regular",
      configuration: { chunk_shape: chunks.map((count, axis) => count * (CHUNK[axis] as number)) },
    },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: fill,
    codecs: [
      {
        name: "sharding_indexed",
        configuration: {
          chunk_shape: CHUNK,
          codecs: [bytesCodec],
          index_codecs: [bytesCodec],
          index_location: "end",
        },
      },
    ],
    dimension_names: ["depth", "height", "width"],
  });
  await mkdir(join(folder, "c", "0", "0"), { recursive: true });
  const file = await open(shardOf(folder), "wx");
  try {
    const index = new DataView(new ArrayBuffer(sizeOf(chunks) * INDEX_ENTRY));
    const chunk = newArray(type, sizeOf(CHUNK));
    let written = 0;
    for (let at = 0; at < sizeOf(chunks); at++) {
      if (!copyChunk(chunk, data, shape, placeOf(at, chunks), fill)) {
        for (let word = 0; word < 4; word++) index.setUint32(at * INDEX_ENTRY + 4 * word, ABSENT);
        continue;
      }
      index.setBigUint64(at * INDEX_ENTRY, BigInt(written), true);
      index.setBigUint64(at * INDEX_ENTRY + 8, BigInt(chunk.byteLength), true);
      await file.writeFile(bytesOf(chunk));
      written += chunk.byteLength;
    }
    await file.writeFile(new Uint8Array(index.buffer));
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes numbers as an array of one axis into a folder of its own. */
export async function writeZarrList(folder: string, list: Uint32Array): Promise<void> {
  await writeJson(folder, {
    zarr_format: 3,
    node_type: "array",
    shape: [list.length],
    data_type: "uint32",
    chunk_grid: { name: "regular", configuration: { chunk_shape: [Math.max(1, list.length)] } },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: 0,
    codecs: [{ name: "bytes", configuration: { endian: "little" } }],
  });
  await mkdir(join(folder, "c"), { recursive: true });
  if (list.length > 0) await writeFile(join(folder, "c", "0"), bytesOf(list), { flush: true } as object);
}

/** Writes a group, the folder around arrays, with what there is to say about it. */
export async function writeZarrGroup(folder: string, attributes: object): Promise<void> {
  await writeJson(folder, { zarr_format: 3, node_type: "group", attributes });
}

async function writeJson(folder: string, content: object): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "zarr.json"), `${JSON.stringify(content, undefined, 2)}\n`);
}

const placeOf = (at: number, [, high, wide]: Size3D): Size3D => [
  Math.floor(at / (high * wide)),
  Math.floor(at / wide) % high,
  at % wide,
];

/** Copies a chunk out of a volume, with `fill` beyond it. @returns Whether any voxel is not `fill`. */
function copyChunk(
  chunk: ArrayOf<ArrayType>,
  data: ArrayOf<ArrayType>,
  [depth, height, width]: Size3D,
  place: Size3D,
  fill: number,
): boolean {
  chunk.fill(fill);
  const [d0, h0, w0] = place.map((at, axis) => at * (CHUNK[axis] as number)) as [number, number, number];
  const count = Math.min(CHUNK[2], width - w0);
  for (let d = 0; d < Math.min(CHUNK[0], depth - d0); d++)
    for (let h = 0; h < Math.min(CHUNK[1], height - h0); h++) {
      const from = ((d0 + d) * height + h0 + h) * width + w0;
      chunk.set(data.subarray(from, from + count), (d * CHUNK[1] + h) * CHUNK[2]);
    }
  return chunk.some((value) => value !== fill);
}
