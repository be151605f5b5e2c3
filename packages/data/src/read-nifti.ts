import { DataError, type LabelMap, type Volume, type VoxelArray, withDefaults } from "@plseg/core";
import { MACHINE_IS_LITTLE_ENDIAN, swapBytes } from "./byte-order.js";
import { type ByteStream, byteStream } from "./byte-stream.js";
import { NIFTI_TYPES, NIFTI2_HEADER_SIZE, type NiftiHeader, type NiftiType, readNiftiHeader } from "./nifti-header.js";

/** Options of {@link readNifti} and {@link readLabelNifti}. */
export interface ReadNiftiOptions {
  /** What error messages call the file. */
  readonly name?: string;
  /** A header that claims more voxels than this is refused before anything is allocated. */
  readonly maxVoxels?: number;
}

/** 2²⁹ voxels are 2 GiB as float32: 512×512×2048. */
export const READ_NIFTI_DEFAULTS: Required<ReadNiftiOptions> = { name: "NIfTI file", maxVoxels: 2 ** 29 };

/** Bytes that may follow the voxels. More means that the header and the file do not belong together. */
const ALLOWED_REST = 2 ** 20;

/**
 * Reads a scan: NIfTI-1 or NIfTI-2 in one file, plain or gzipped, any byte order, any real data type, scaled by
 * `scl_slope` and `scl_inter` (a slope of 0 means no scaling), 4-D if it holds one volume.
 *
 * The header is checked before memory is taken, and gzip is inflated only as far as the header says there are voxels.
 *
 * @param bytes - The file. It is read, never changed.
 * @throws DataError naming the file, the field, what was found and what was expected.
 * @see https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h
 */
export async function readNifti(bytes: Uint8Array, options: ReadNiftiOptions = {}): Promise<Volume> {
  const { header, stored, name } = readStored(bytes, options);
  const { shape, affine, slope, intercept } = header;
  const data =
    stored instanceof Float32Array && slope === 1 && intercept === 0 ? stored : new Float32Array(stored.length);
  let finite = 0;
  for (let i = 0; i < data.length; i++) {
    const value = Number(stored[i]) * slope + intercept;
    data[i] = value;
    if (Number.isFinite(value)) finite++;
  }
  if (finite === 0)
    throw new DataError(`readNifti: ${name}: no voxel is a finite number. The scan is empty or damaged.`);
  return { data, shape, affine };
}

/**
 * Reads a label map: as {@link readNifti}, but voxels are whole numbers, uint8 if they fit and else uint16.
 *
 * @throws DataError as {@link readNifti}, and if a value is not a whole number from 0 to 65535.
 */
export async function readLabelNifti(bytes: Uint8Array, options: ReadNiftiOptions = {}): Promise<LabelMap> {
  const { header, stored, name } = readStored(bytes, options);
  const { shape, affine, slope, intercept } = header;
  let largest = 0;
  for (let i = 0; i < stored.length; i++) {
    const value = Number(stored[i]) * slope + intercept;
    if (!(Number.isInteger(value) && value >= 0 && value <= 65_535))
      throw new DataError(
        `readLabelNifti: ${name}: labels must be whole numbers from 0 to 65535, got ${value} at voxel ${i}. Is it an image and not a label map?`,
      );
    if (value > largest) largest = value;
  }
  const data = largest < 256 ? new Uint8Array(stored.length) : new Uint16Array(stored.length);
  for (let i = 0; i < data.length; i++) data[i] = Number(stored[i]) * slope + intercept;
  return { data, shape, affine };
}

/** Voxels as they are stored, in this machine's byte order. */
type Stored = VoxelArray | BigInt64Array | BigUint64Array;

function readStored(
  bytes: Uint8Array,
  options: ReadNiftiOptions,
): { readonly header: NiftiHeader; readonly stored: Stored; readonly name: string } {
  const { name, maxVoxels } = withDefaults(READ_NIFTI_DEFAULTS, options);
  const stream = byteStream(bytes, name);
  const start = new Uint8Array(NIFTI2_HEADER_SIZE);
  const got = stream.read(start);
  const header = readNiftiHeader(start.subarray(0, got), name, maxVoxels);
  const width = NIFTI_TYPES[header.type].bytes;
  const needed = header.shape[0] * header.shape[1] * header.shape[2] * width;
  if (header.offset + needed > stream.limit)
    throw truncated(name, header, needed, Math.max(0, stream.limit - header.offset));
  const payload = new Uint8Array(needed);
  // A NIfTI-1 header is shorter than what was read to look for a NIfTI-2 header, so some voxels may be in it.
  const early = start.subarray(Math.min(header.offset, got), Math.min(got, header.offset + needed));
  payload.set(early);
  const filled = early.length + readVoxels(stream, Math.max(0, header.offset - got), payload.subarray(early.length));
  if (filled < needed) throw truncated(name, header, needed, filled);
  if (stream.skip(ALLOWED_REST + 1) > ALLOWED_REST)
    throw new DataError(
      `readNifti: ${name}: the header describes ${needed} bytes of voxels, but more than ${ALLOWED_REST} bytes follow them. The header is wrong, or the file was made to inflate without end.`,
    );
  if (header.littleEndian !== MACHINE_IS_LITTLE_ENDIAN) swapBytes(payload, width);
  return { header, stored: typed(header.type, payload.buffer), name };
}

function readVoxels(stream: ByteStream, gap: number, target: Uint8Array): number {
  return stream.skip(gap) < gap ? 0 : stream.read(target);
}

function typed(type: NiftiType, buffer: ArrayBuffer): Stored {
  switch (type) {
    case "uint8":
      return new Uint8Array(buffer);
    case "int8":
      return new Int8Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "uint16":
      return new Uint16Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "uint32":
      return new Uint32Array(buffer);
    case "int64":
      return new BigInt64Array(buffer);
    case "uint64":
      return new BigUint64Array(buffer);
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
  }
}

function truncated(name: string, { shape, type }: NiftiHeader, needed: number, found: number): DataError {
  const [depth, height, width] = shape;
  return new DataError(
    `readNifti: ${name}: the file is cut short: ${width} x ${height} x ${depth} voxels of ${type} are ${needed} bytes, got at most ${found}. Copy or download it again.`,
  );
}
