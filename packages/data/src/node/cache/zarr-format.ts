import { join } from "node:path";
import type { Size3D } from "@plseg/core";

// Arrays in the format Zarr v3 (https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html), of it what the cache needs:
// a volume is one file (one shard of the codec `sharding_indexed`) of raw, little-endian chunks, with an index at its end.

/** Types of the arrays here, by their names in Zarr. */
interface ArrayTypes {
  readonly int16: Int16Array;
  readonly uint8: Uint8Array;
  readonly uint16: Uint16Array;
  readonly uint32: Uint32Array;
}

/** Name of a type of voxels. */
export type ArrayType = keyof ArrayTypes;

/** Voxels of a type. */
export type ArrayOf<Type extends ArrayType> = ArrayTypes[Type];

/** Voxels of a chunk along each axis: 64 kB of int16, so that a patch reads little beyond itself. */
export const CHUNK: Size3D = [32, 32, 32];

/** A volume as Zarr describes it. */
export interface StoredVolume<Type extends ArrayType> {
  /** Of its voxels. */
  readonly type: Type;
  /** Voxels along depth, height, width. */
  readonly shape: Size3D;
  /** Value of chunks that are not stored, since all their voxels have it. */
  readonly fill: number;
}

/** Bytes of an entry of the index: where a chunk begins, and its length, 8 bytes each. */
export const INDEX_ENTRY = 16;
/** Both halves of the two numbers that mark a chunk which is not stored. */
export const ABSENT = 0xffffffff;

/** How many chunks a volume has along each axis. */
export const chunkCounts = (shape: Size3D): Size3D =>
  shape.map((size, axis) => Math.ceil(size / (CHUNK[axis] as number))) as unknown as Size3D;

/** The one file that holds the voxels of a volume. */
export const shardOf = (folder: string): string => join(folder, "c", "0", "0", "0");

/** An array of a type, all 0. */
export function newArray<Type extends ArrayType>(type: Type, length: number): ArrayOf<Type> {
  const constructors = { int16: Int16Array, uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array };
  return new constructors[type](length) as ArrayTypes[ArrayType] as ArrayOf<Type>;
}

/** The same memory as bytes. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayOf<ArrayType>): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
