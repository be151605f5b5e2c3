import {
  type Affine,
  ShapeError,
  showShape,
  sizeOf,
  spacingOf,
  type Volume,
  type VoxelArray,
  withDefaults,
} from "@plseg/core";
import { gzipSync } from "fflate";
import { determinant } from "./affine.js";
import { MACHINE_IS_LITTLE_ENDIAN, swapBytes } from "./byte-order.js";
import { NIFTI_TYPES, type NiftiType } from "./nifti-header.js";

/** Options of {@link writeNifti}. */
export interface WriteNiftiOptions {
  /** Marks the file as a label map (intent LABEL, 1002). */
  readonly labels?: boolean;
  /** Up to 79 ASCII characters for the header's `descrip`. */
  readonly description?: string;
  /** Gzips the file (.nii.gz). */
  readonly compress?: boolean;
}

/** What {@link writeNifti} uses where an option is missing. */
export const WRITE_NIFTI_DEFAULTS: Required<WriteNiftiOptions> = {
  labels: false,
  description: "plseg",
  compress: false,
};

const HEADER_SIZE = 352;
const INTENT_LABEL = 1002;
const MILLIMETERS = 2;
const SCANNER = 1;

/**
 * A volume as a NIfTI-1 file, little-endian, in the data type of its array, unscaled. The affine is written as sform, and
 * as qform too if it is a rotation with scaling (a qform cannot hold a shear). The same volume gives the same bytes.
 *
 * @throws ShapeError if the shape does not fit the array or NIfTI-1 (at most 32767 voxels along an axis).
 */
export function writeNifti(volume: Volume<VoxelArray>, options: WriteNiftiOptions = {}): Uint8Array {
  const { labels, description, compress } = withDefaults(WRITE_NIFTI_DEFAULTS, options);
  const { data, shape, affine } = volume;
  if (sizeOf(shape) !== data.length)
    throw new ShapeError(
      `writeNifti: shape ${showShape(shape)} must hold ${sizeOf(shape)} voxels, got ${data.length}.`,
    );
  if (shape.some((size) => size > 32_767))
    throw new ShapeError(`writeNifti: NIfTI-1 holds at most 32767 voxels along an axis, got ${showShape(shape)}.`);
  const type = typeOf(data);
  const width = NIFTI_TYPES[type].bytes;
  const bytes = new Uint8Array(HEADER_SIZE + data.length * width);
  const view = new DataView(bytes.buffer);
  const [depth, height, columns] = shape;
  const [depthSize, heightSize, widthSize] = spacingOf(affine);
  view.setInt32(0, 348, true);
  [3, columns, height, depth, 1, 1, 1, 1].forEach((size, i) => {
    view.setInt16(40 + 2 * i, size, true);
  });
  if (labels) view.setInt16(68, INTENT_LABEL, true);
  view.setInt16(70, NIFTI_TYPES[type].code, true);
  view.setInt16(72, 8 * width, true);
  const { code, handedness, quaternion } = qform(affine);
  [handedness, widthSize, heightSize, depthSize, 1, 1, 1, 1].forEach((size, i) => {
    view.setFloat32(76 + 4 * i, size, true);
  });
  view.setFloat32(108, HEADER_SIZE, true);
  view.setFloat32(112, 1, true);
  bytes[123] = MILLIMETERS;
  for (let i = 0; i < Math.min(description.length, 79); i++) bytes[148 + i] = description.charCodeAt(i) & 0x7f;
  view.setInt16(252, code, true);
  view.setInt16(254, SCANNER, true);
  [...quaternion, affine[3], affine[7], affine[11]].forEach((value, i) => {
    view.setFloat32(256 + 4 * i, value, true);
  });
  for (let i = 0; i < 12; i++) view.setFloat32(280 + 4 * i, affine[i] ?? 0, true);
  bytes.set([0x6e, 0x2b, 0x31, 0], 344); // "n+1"
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), HEADER_SIZE);
  if (!MACHINE_IS_LITTLE_ENDIAN) swapBytes(bytes.subarray(HEADER_SIZE), width);
  return compress ? gzipSync(bytes, { level: 6, mtime: 0 }) : bytes;
}

function typeOf(data: VoxelArray): NiftiType {
  if (data instanceof Uint8Array) return "uint8";
  if (data instanceof Int8Array) return "int8";
  if (data instanceof Int16Array) return "int16";
  if (data instanceof Uint16Array) return "uint16";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Uint32Array) return "uint32";
  return data instanceof Float32Array ? "float32" : "float64";
}

/** The quaternion [b, c, d] of the affine's rotation, with code 0 if the axes are not at right angles. */
function qform(affine: Affine): { code: number; handedness: 1 | -1; quaternion: readonly [number, number, number] } {
  const [depth, height, width] = spacingOf(affine);
  const handedness = determinant(affine) < 0 ? -1 : 1;
  const scales = [width, height, depth * handedness];
  const r = (row: number, column: number): number => (affine[row * 4 + column] ?? 0) / (scales[column] ?? 1);
  const dot = (i: number, j: number): number => r(0, i) * r(0, j) + r(1, i) * r(1, j) + r(2, i) * r(2, j);
  const skew = Math.max(Math.abs(dot(0, 1)), Math.abs(dot(0, 2)), Math.abs(dot(1, 2)));
  if (!(skew < 1e-5)) return { code: 0, handedness: 1, quaternion: [0, 0, 0] };
  return { code: SCANNER, handedness, quaternion: quaternionOf(r) };
}

/** [b, c, d] of the unit quaternion with a ≥ 0 of a rotation matrix, by its largest component (Shepperd 1978). */
function quaternionOf(r: (row: number, column: number) => number): readonly [number, number, number] {
  const [xx, yy, zz] = [r(0, 0), r(1, 1), r(2, 2)];
  const squares = [1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz];
  const largest = squares.indexOf(Math.max(...squares));
  const twice = Math.sqrt(squares[largest] ?? 1);
  const s = 0.5 / twice;
  const [x, y, z] = [r(2, 1) - r(1, 2), r(0, 2) - r(2, 0), r(1, 0) - r(0, 1)];
  const [xy, xz, yz] = [r(0, 1) + r(1, 0), r(0, 2) + r(2, 0), r(1, 2) + r(2, 1)];
  const candidates: readonly (readonly [number, number, number, number])[] = [
    [twice / 2, x * s, y * s, z * s],
    [x * s, twice / 2, xy * s, xz * s],
    [y * s, xy * s, twice / 2, yz * s],
    [z * s, xz * s, yz * s, twice / 2],
  ];
  const [a, b, c, d] = candidates[largest] ?? [1, 0, 0, 0];
  return a < 0 ? [-b, -c, -d] : [b, c, d];
}
