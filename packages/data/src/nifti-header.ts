import { type Affine, DataError, type Size3D } from "@plseg/core";
import { NIFTI1, NIFTI2 } from "nifti-reader-js";
import { gridMismatch, invertible } from "./affine.js";
import { affineOfQform } from "./qform.js";

/** How the voxels of a NIfTI file are stored. */
export type NiftiType =
  | "uint8"
  | "int8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "float32"
  | "float64";

/** What a checked NIfTI header says. */
export interface NiftiHeader {
  /** Voxels along depth, height, width. */
  readonly shape: Size3D;
  readonly affine: Affine;
  readonly type: NiftiType;
  readonly littleEndian: boolean;
  readonly version: 1 | 2;
  /** Whether the voxels are in a file of their own, the .img of a pair. */
  readonly pair: boolean;
  /** Where the voxels begin in their file, in bytes. */
  readonly offset: number;
  /** Value = slope · stored + intercept. */
  readonly slope: number;
  readonly intercept: number;
  /** What is odd but does not keep the file from being read. */
  readonly warnings: readonly string[];
}

/** Bytes of the longer of the two headers, without the four that say whether extensions follow. */
export const NIFTI2_HEADER_SIZE = 540;
const NIFTI1_HEADER_SIZE = 348;

/** Unit codes of `xyzt_units` that are not millimeters. Programs commonly pass over them, and so does this reader. */
const OTHER_UNITS: Readonly<Record<number, string>> = { 1: "meters", 3: "micrometers" };

/** Data type codes of nifti1.h with what they are. */
export const NIFTI_TYPES: Readonly<Record<NiftiType, { readonly code: number; readonly bytes: number }>> = {
  uint8: { code: 2, bytes: 1 },
  int16: { code: 4, bytes: 2 },
  int32: { code: 8, bytes: 4 },
  float32: { code: 16, bytes: 4 },
  float64: { code: 64, bytes: 8 },
  int8: { code: 256, bytes: 1 },
  uint16: { code: 512, bytes: 2 },
  uint32: { code: 768, bytes: 4 },
  int64: { code: 1024, bytes: 8 },
  uint64: { code: 1280, bytes: 8 },
};

/** Types of the standard that are not scans, by code. */
const OTHER_TYPES: Readonly<Record<number, string>> = {
  0: "unknown",
  1: "binary",
  32: "complex64",
  128: "RGB24",
  1536: "float128",
  1792: "complex128",
  2048: "complex256",
  2304: "RGBA32",
};

/**
 * Reads and checks a header of NIfTI-1 or NIfTI-2, of either byte order. Nothing is allocated for voxels.
 *
 * The affine is the sform if its code is set, else the qform if its code is set, else the voxel sizes with voxel 0 at the
 * origin (method 1 of nifti1.h). If both are set and a voxel lies at two places, more than a tenth of a voxel apart, there is
 * a warning. A voxel size of 0 or that is not a number counts as 1 mm, as in nibabel.
 *
 * @param bytes - The first bytes of the file, {@link NIFTI2_HEADER_SIZE} of them if it has so many.
 * @throws DataError naming the file, the field, what was found and what was expected.
 */
export function readNiftiHeader(bytes: Uint8Array, file: string, maxVoxels: number): NiftiHeader {
  const fail = (rule: string, cause?: unknown): never => {
    throw new DataError(`readNifti: ${file}: ${rule}`, cause === undefined ? undefined : { cause });
  };
  const { version, pair } = niftiVersion(bytes, fail);
  const size = version === 1 ? NIFTI1_HEADER_SIZE : NIFTI2_HEADER_SIZE;
  // Exactly the header and nothing after it: the library would otherwise walk through extensions without bounds.
  const exact = new Uint8Array(size);
  exact.set(bytes.subarray(0, size));
  const header = version === 1 ? new NIFTI1() : new NIFTI2();
  try {
    header.readHeader(exact.buffer);
  } catch (cause) {
    fail("the header cannot be read. Is it a NIfTI file?", cause);
  }
  const view = new DataView(exact.buffer);

  const shape = shapeOf(header, fail, maxVoxels);
  const type = (Object.keys(NIFTI_TYPES) as NiftiType[]).find((name) => NIFTI_TYPES[name].code === header.datatypeCode);
  if (!type)
    return fail(
      `datatype must be a real number type (${Object.keys(NIFTI_TYPES).join(", ")}), got ${header.datatypeCode} (${OTHER_TYPES[header.datatypeCode] ?? "not in the standard"}). Convert it to one of these.`,
    );
  const offset = header.vox_offset;
  const least = pair ? 0 : size + 4;
  if (!Number.isSafeInteger(offset) || offset < least)
    fail(`vox_offset must be a whole number of at least ${least}, got ${offset}. The header is damaged.`);
  const { affine, warnings } = placeOf(header, shape, view, version);
  if (!invertible(affine))
    fail(`the affine must be invertible and finite, got [${affine.join(", ")}]. Correct the sform or qform.`);
  const scaled = Number.isFinite(header.scl_slope) && header.scl_slope !== 0;
  const { littleEndian } = header;
  return {
    shape,
    affine,
    type,
    littleEndian,
    version,
    pair,
    offset,
    slope: scaled ? header.scl_slope : 1,
    intercept: scaled && Number.isFinite(header.scl_inter) ? header.scl_inter : 0,
    warnings,
  };
}

/** From `sizeof_hdr` and the magic word. */
function niftiVersion(
  bytes: Uint8Array,
  fail: (rule: string) => never,
): { readonly version: 1 | 2; readonly pair: boolean } {
  if (bytes.length < NIFTI1_HEADER_SIZE)
    return fail(
      `a NIfTI header has ${NIFTI1_HEADER_SIZE} bytes or more, got ${bytes.length}. The file is cut short or empty.`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sizes = [view.getInt32(0, true), view.getInt32(0, false)];
  const version = sizes.includes(NIFTI1_HEADER_SIZE) ? 1 : sizes.includes(NIFTI2_HEADER_SIZE) ? 2 : undefined;
  if (!version)
    return fail(
      `this is not a NIfTI file: sizeof_hdr must be ${NIFTI1_HEADER_SIZE} (NIfTI-1) or ${NIFTI2_HEADER_SIZE} (NIfTI-2), got ${sizes[0]}.`,
    );
  if (version === 2 && bytes.length < NIFTI2_HEADER_SIZE)
    return fail(`a NIfTI-2 header has ${NIFTI2_HEADER_SIZE} bytes, got ${bytes.length}. The file is cut short.`);
  const at = version === 1 ? 344 : 4;
  const magic = String.fromCharCode(...bytes.subarray(at, at + 3));
  const pair = magic === `ni${version}`;
  if (!(pair || magic === `n+${version}`) || bytes[at + 3] !== 0)
    return fail(
      `magic must be "n+${version}" or "ni${version}", got ${JSON.stringify(magic)}. It may be an Analyze 7.5 or a damaged file: convert it, for example with nibabel.`,
    );
  return { version, pair };
}

/** Depth, height and width from `dim`, checked. */
function shapeOf(header: NIFTI1 | NIFTI2, fail: (rule: string) => never, maxVoxels: number): Size3D {
  const [rank = 0, ...sizes] = header.dims;
  if (!(Number.isInteger(rank) && rank >= 1 && rank <= 7))
    return fail(`dim[0], the number of axes, must be from 1 to 7, got ${rank}. The header is damaged.`);
  for (let axis = 1; axis <= rank; axis++) {
    const size = sizes[axis - 1] ?? 0;
    if (!(Number.isSafeInteger(size) && size >= 1))
      fail(`dim[${axis}] must be a whole number of at least 1, got ${size}. The header is damaged.`);
    if (axis > 3 && size !== 1)
      fail(
        `dim[${axis}] must be 1, got ${size}: one scan is expected, not a series. Write each volume to its own file.`,
      );
  }
  const along = (axis: number): number => (axis <= rank ? (sizes[axis - 1] ?? 1) : 1);
  const shape: Size3D = [along(3), along(2), along(1)];
  const voxels = shape[0] * shape[1] * shape[2];
  if (voxels > maxVoxels)
    fail(
      `dim says ${along(1)} x ${along(2)} x ${along(3)} = ${voxels} voxels, at most ${maxVoxels} are read. If the header is right, raise maxVoxels.`,
    );
  return shape;
}

/** Voxel (column, row, slice) to RAS+ millimeters, and what is odd about it. */
function placeOf(
  header: NIFTI1 | NIFTI2,
  shape: Size3D,
  view: DataView,
  version: 1 | 2,
): { readonly affine: Affine; readonly warnings: readonly string[] } {
  const number = (at1: number, at2: number, i: number): number =>
    version === 1
      ? view.getFloat32(at1 + 4 * i, header.littleEndian)
      : view.getFloat64(at2 + 8 * i, header.littleEndian);
  const sizes = [1, 2, 3].map((axis) => {
    const size = Math.abs(header.pixDims[axis] ?? 1);
    return size > 0 && Number.isFinite(size) ? size : 1;
  }) as [number, number, number];
  const warnings: string[] = [];
  const units = OTHER_UNITS[header.xyzt_units & 7];
  if (units) warnings.push(`xyzt_units says ${units}. Its lengths are taken for millimeters all the same.`);
  const [bySform, byQform] = [header.sform_code > 0, header.qform_code > 0];
  if (!bySform && !byQform)
    return { affine: [sizes[0], 0, 0, 0, 0, sizes[1], 0, 0, 0, 0, sizes[2], 0, 0, 0, 0, 1], warnings };
  const qform = affineOfQform(
    [0, 1, 2, 3, 4, 5].map((i) => number(256, 352, i)),
    sizes,
    (header.pixDims[0] ?? 1) < 0,
  );
  if (!bySform) return { affine: qform, warnings };
  const affine = [...Array.from({ length: 12 }, (_, i) => number(280, 400, i)), 0, 0, 0, 1] as unknown as Affine;
  const mismatch =
    byQform && invertible(affine) ? gridMismatch({ shape, affine }, { shape, affine: qform }) : undefined;
  if (mismatch) warnings.push(`sform and qform differ (${mismatch}). The sform is taken.`);
  return { affine, warnings };
}
