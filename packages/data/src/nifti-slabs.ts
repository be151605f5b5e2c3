import { DataError, type VoxelArray, withDefaults } from "@plseg/core";
import type { Grid } from "./affine.js";
import { MACHINE_IS_LITTLE_ENDIAN, swapBytes } from "./byte-order.js";
import { type ByteReader, byteReader } from "./byte-reader.js";
import type { ByteSource } from "./byte-source.js";
import { NIFTI_TYPES, NIFTI2_HEADER_SIZE, type NiftiHeader, type NiftiType, readNiftiHeader } from "./nifti-header.js";
import { READ_NIFTI_DEFAULTS, type ReadNiftiOptions } from "./read-nifti-options.js";

/** A scan that is read from its first slice to its last, a few slices at a time. */
export interface ScanSlabs {
  /** What error messages call the file. */
  readonly name: string;
  readonly grid: Grid;
  /**
   * Values of one or more whole slices, in order, as they come. What is yielded is overwritten by what comes next.
   *
   * @throws DataError, on the way, if the file is damaged.
   */
  slabs(): AsyncIterable<VoxelArray>;
}

/** Bytes that may follow the voxels. More means that the header and the file do not belong together. */
const ALLOWED_REST = 2 ** 20;

/** Slices are yielded in slabs of about so many voxels. */
const SLAB = 2 ** 16;

/**
 * Opens a NIfTI file: reads and checks the header, and that there can be as many voxels as it says. A compressed file whose
 * claim of its length does not agree is inflated once to count, before anyone takes memory for its voxels.
 *
 * @param file - The file, or the .hdr of a pair.
 * @param image - The .img of a pair.
 * @throws DataError naming the file, the field, what was found and what was expected.
 */
export async function openNifti(
  file: ByteSource,
  image: ByteSource | undefined,
  options: ReadNiftiOptions,
): Promise<ScanSlabs> {
  const { maxVoxels, onWarning } = withDefaults(READ_NIFTI_DEFAULTS, options);
  const header = await withReader(file, async (reader) =>
    readNiftiHeader(await reader.peek(NIFTI2_HEADER_SIZE), file.name, maxVoxels),
  );
  for (const warning of header.warnings) onWarning(`${file.name}: ${warning}`);
  if (header.pair && !image)
    throw new DataError(
      `readNifti: ${file.name}: magic says that header and voxels are two files. Keep the .hdr and the .img side by side under one name, or convert them to .nii.`,
    );
  const voxels = header.pair && image ? image : file;
  const needed = header.shape[0] * header.shape[1] * header.shape[2] * NIFTI_TYPES[header.type].bytes;
  await checkLength(voxels, header, needed);
  const slabs = (): AsyncIterable<VoxelArray> => readSlabs(voxels, header, needed);
  return { name: file.name, grid: { shape: header.shape, affine: header.affine }, slabs };
}

async function withReader<T>(source: ByteSource, use: (reader: ByteReader) => Promise<T>): Promise<T> {
  const reader = byteReader(source);
  try {
    return await use(reader);
  } finally {
    await reader.close();
  }
}

async function checkLength(source: ByteSource, header: NiftiHeader, needed: number): Promise<void> {
  const { limit, claimed } = source;
  const end = header.offset + needed;
  if (end > limit) throw truncated(source.name, header, needed, Math.max(0, limit - header.offset));
  if (claimed === undefined || (claimed - end + 2 ** 32) % 2 ** 32 <= ALLOWED_REST) return;
  const found = await withReader(source, (reader) => reader.skip(end));
  if (found < end) throw truncated(source.name, header, needed, Math.max(0, found - header.offset));
}

async function* readSlabs(source: ByteSource, header: NiftiHeader, needed: number): AsyncGenerator<VoxelArray, void> {
  const { shape, type, littleEndian, slope, intercept, offset } = header;
  const { bytes: width } = NIFTI_TYPES[type];
  const slice = shape[1] * shape[2] * width;
  const buffer = new Uint8Array(Math.min(needed, slice * Math.max(1, Math.floor((SLAB * width) / slice))));
  const reader = byteReader(source);
  try {
    await reader.skip(offset);
    for (let at = 0; at < needed; at += buffer.length) {
      const slab = buffer.subarray(0, Math.min(buffer.length, needed - at));
      const found = await reader.read(slab);
      if (found < slab.length) throw truncated(source.name, header, needed, at + found);
      if (littleEndian !== MACHINE_IS_LITTLE_ENDIAN) swapBytes(slab, width);
      yield scaled(typed(type, slab.buffer, slab.length / width), slope, intercept, source.name);
    }
    if ((await reader.skip(ALLOWED_REST + 1)) > ALLOWED_REST)
      throw new DataError(
        `readNifti: ${source.name}: the header describes ${needed} bytes of voxels, but more than ${ALLOWED_REST} bytes follow them. The header is wrong, or the file was made to inflate without end.`,
      );
  } finally {
    await reader.close();
  }
}

function scaled(
  stored: VoxelArray | BigInt64Array | BigUint64Array,
  slope: number,
  intercept: number,
  name: string,
): VoxelArray {
  const numbers =
    stored instanceof BigInt64Array || stored instanceof BigUint64Array ? exactNumbers(stored, name) : stored;
  if (slope === 1 && intercept === 0) return numbers;
  const values = Float64Array.from(numbers);
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * slope + intercept;
  return values;
}

/** 64-bit integers as numbers. @throws DataError if one is too large to be held exactly. */
function exactNumbers(stored: BigInt64Array | BigUint64Array, name: string): Float64Array {
  const numbers = new Float64Array(stored.length);
  for (let i = 0; i < numbers.length; i++) {
    const value = Number(stored[i]);
    if (!Number.isSafeInteger(value))
      throw new DataError(
        `readNifti: ${name}: 64-bit integers must lie within ±(2^53 − 1), got ${stored[i]}. Is the data type right?`,
      );
    numbers[i] = value;
  }
  return numbers;
}

function typed(type: NiftiType, buffer: ArrayBufferLike, length: number): VoxelArray | BigInt64Array | BigUint64Array {
  switch (type) {
    case "uint8":
      return new Uint8Array(buffer, 0, length);
    case "int8":
      return new Int8Array(buffer, 0, length);
    case "int16":
      return new Int16Array(buffer, 0, length);
    case "uint16":
      return new Uint16Array(buffer, 0, length);
    case "int32":
      return new Int32Array(buffer, 0, length);
    case "uint32":
      return new Uint32Array(buffer, 0, length);
    case "int64":
      return new BigInt64Array(buffer, 0, length);
    case "uint64":
      return new BigUint64Array(buffer, 0, length);
    case "float32":
      return new Float32Array(buffer, 0, length);
    case "float64":
      return new Float64Array(buffer, 0, length);
  }
}

function truncated(name: string, { shape, type }: NiftiHeader, needed: number, found: number): DataError {
  const [depth, height, width] = shape;
  return new DataError(
    `readNifti: ${name}: the file is cut short: ${width} x ${height} x ${depth} voxels of ${type} are ${needed} bytes, got at most ${found}. Copy or download it again.`,
  );
}
