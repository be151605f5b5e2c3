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
import { MACHINE_IS_LITTLE_ENDIAN, swapBytes } from "./byte-order.js";
import { NIFTI_TYPES, type NiftiType } from "./nifti-header.js";
import { labelNamesExtension } from "./nifti-label-names.js";
import { qformOfAffine } from "./qform.js";

/** Options of {@link writeNifti}. */
export interface WriteNiftiOptions {
  /** Marks the file as a label map (intent LABEL, 1002); names of the labels by value go into an extension. */
  readonly labels?: boolean | Readonly<Record<string, number>>;
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
  const { compress } = withDefaults(WRITE_NIFTI_DEFAULTS, options);
  const [header, voxels] = niftiParts(volume, options);
  const bytes = new Uint8Array(header.length + voxels.length);
  bytes.set(header);
  bytes.set(voxels, header.length);
  return compress ? gzipSync(bytes, { level: 6, mtime: 0 }) : bytes;
}

/**
 * What {@link writeNifti} writes, uncompressed, in two parts, so that voxels need not be copied.
 *
 * @throws ShapeError as {@link writeNifti}.
 */
export function niftiParts(
  { data, shape, affine }: Volume<VoxelArray>,
  options: WriteNiftiOptions,
): readonly [header: Uint8Array, voxels: Uint8Array] {
  const { labels, description } = withDefaults(WRITE_NIFTI_DEFAULTS, options);
  if (sizeOf(shape) !== data.length)
    throw new ShapeError(
      `writeNifti: shape ${showShape(shape)} must hold ${sizeOf(shape)} voxels, got ${data.length}.`,
    );
  if (shape.some((size) => size > 32_767))
    throw new ShapeError(`writeNifti: NIfTI-1 holds at most 32767 voxels along an axis, got ${showShape(shape)}.`);
  const type = typeOf(data);
  const extension = typeof labels === "object" ? labelNamesExtension(labels) : new Uint8Array(0);
  const header = new Uint8Array(HEADER_SIZE + extension.length);
  const view = new DataView(header.buffer);
  const [depth, height, columns] = shape;
  view.setInt32(0, 348, true);
  for (const [i, size] of [3, columns, height, depth, 1, 1, 1, 1].entries()) view.setInt16(40 + 2 * i, size, true);
  if (labels) view.setInt16(68, INTENT_LABEL, true);
  view.setInt16(70, NIFTI_TYPES[type].code, true);
  view.setInt16(72, 8 * NIFTI_TYPES[type].bytes, true);
  view.setFloat32(108, header.length, true);
  view.setFloat32(112, 1, true);
  header[123] = MILLIMETERS;
  for (let i = 0; i < Math.min(description.length, 79); i++) header[148 + i] = description.charCodeAt(i) & 0x7f;
  writeAffine(view, affine);
  header.set([0x6e, 0x2b, 0x31, 0], 344); // "n+1"
  if (extension.length > 0) header.set([1, 0, 0, 0], 348);
  header.set(extension, HEADER_SIZE);
  const voxels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (MACHINE_IS_LITTLE_ENDIAN) return [header, voxels];
  const swapped = voxels.slice();
  swapBytes(swapped, NIFTI_TYPES[type].bytes);
  return [header, swapped];
}

/** Voxel sizes, qform and sform. */
function writeAffine(view: DataView, affine: Affine): void {
  const [depth, height, width] = spacingOf(affine);
  const qform = qformOfAffine(affine);
  const pixdim = [qform?.handedness ?? 1, width, height, depth, 1, 1, 1, 1];
  for (const [i, size] of pixdim.entries()) view.setFloat32(76 + 4 * i, size, true);
  view.setInt16(252, qform ? SCANNER : 0, true);
  view.setInt16(254, SCANNER, true);
  const place = [...(qform?.quaternion ?? [0, 0, 0]), affine[3], affine[7], affine[11]];
  for (const [i, value] of place.entries()) view.setFloat32(256 + 4 * i, value, true);
  for (let i = 0; i < 12; i++) view.setFloat32(280 + 4 * i, affine[i] ?? 0, true);
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
