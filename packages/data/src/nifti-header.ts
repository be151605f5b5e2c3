import { type Affine, DataError, type Size3D } from "@plseg/core";
import { NIFTI1, NIFTI2 } from "nifti-reader-js";
import { invertible } from "./affine.js";

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
  /** Where the voxels begin, in bytes. */
  readonly offset: number;
  /** Value = slope · stored + intercept. */
  readonly slope: number;
  readonly intercept: number;
}

/** Bytes of the longer of the two headers. */
export const NIFTI2_HEADER_SIZE = 540;
const NIFTI1_HEADER_SIZE = 348;

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
 * origin (method 1 of nifti1.h). A voxel size of 0 or that is not a number counts as 1 mm, as in nibabel.
 *
 * @param bytes - The first bytes of the file, {@link NIFTI2_HEADER_SIZE} of them if it has so many.
 * @throws DataError naming the file, the field, what was found and what was expected.
 */
export function readNiftiHeader(bytes: Uint8Array, file: string, maxVoxels: number): NiftiHeader {
  const fail = (rule: string, cause?: unknown): never => {
    throw new DataError(`readNifti: ${file}: ${rule}`, cause === undefined ? undefined : { cause });
  };
  const version = niftiVersion(bytes, fail);
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
  const least = version === 1 ? 352 : 544;
  if (!Number.isSafeInteger(offset) || offset < least)
    fail(`vox_offset must be a whole number of at least ${least}, got ${offset}. The header is damaged.`);
  const affine = affineOf(header, view, version);
  if (!invertible(affine))
    fail(`the affine must be invertible and finite, got [${affine.join(", ")}]. Correct the sform or qform.`);
  const scaled = Number.isFinite(header.scl_slope) && header.scl_slope !== 0;
  const { littleEndian } = header;
  return {
    shape,
    affine,
    type,
    littleEndian,
    offset,
    slope: scaled ? header.scl_slope : 1,
    intercept: scaled && Number.isFinite(header.scl_inter) ? header.scl_inter : 0,
  };
}

/** 1 or 2, from `sizeof_hdr` and the magic word. */
function niftiVersion(bytes: Uint8Array, fail: (rule: string) => never): 1 | 2 {
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
  if (magic === `ni${version}`)
    return fail(
      `magic is "${magic}": header and image are in two files (.hdr and .img). Join them into one .nii, for example with nibabel: nib.save(nib.load("x.hdr"), "x.nii").`,
    );
  if (magic !== `n+${version}` || bytes[at + 3] !== 0)
    return fail(
      `magic must be "n+${version}", got ${JSON.stringify(magic)}. It may be an Analyze 7.5 or a damaged file.`,
    );
  return version;
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

/** Voxel (column, row, slice) to RAS+ millimeters. */
function affineOf(header: NIFTI1 | NIFTI2, view: DataView, version: 1 | 2): Affine {
  const { littleEndian } = header;
  const number = (at1: number, at2: number, i: number): number =>
    version === 1 ? view.getFloat32(at1 + 4 * i, littleEndian) : view.getFloat64(at2 + 8 * i, littleEndian);
  const scale = (axis: number): number => {
    const size = Math.abs(header.pixDims[axis] ?? 1);
    return size > 0 && Number.isFinite(size) ? size : 1;
  };
  const [sx, sy, sz] = [scale(1), scale(2), scale(3)];
  if (header.sform_code > 0) {
    const s = (i: number): number => number(280, 400, i);
    return [s(0), s(1), s(2), s(3), s(4), s(5), s(6), s(7), s(8), s(9), s(10), s(11), 0, 0, 0, 1];
  }
  if (header.qform_code > 0) {
    const [b, c, d, x, y, z] = [0, 1, 2, 3, 4, 5].map((i) => number(256, 352, i)) as [
      ...[number, number, number],
      ...[number, number, number],
    ];
    // A quaternion that rounding made longer than 1 is a half turn.
    const length = Math.hypot(b, c, d);
    const [qb, qc, qd] = length > 1 ? [b / length, c / length, d / length] : [b, c, d];
    const a = Math.sqrt(Math.max(0, 1 - (qb * qb + qc * qc + qd * qd)));
    const k = (header.pixDims[0] ?? 1) < 0 ? -sz : sz;
    return [
      ...([
        (a * a + qb * qb - qc * qc - qd * qd) * sx,
        2 * (qb * qc - a * qd) * sy,
        2 * (qb * qd + a * qc) * k,
        x,
      ] as const),
      ...([
        2 * (qb * qc + a * qd) * sx,
        (a * a + qc * qc - qb * qb - qd * qd) * sy,
        2 * (qc * qd - a * qb) * k,
        y,
      ] as const),
      ...([
        2 * (qb * qd - a * qc) * sx,
        2 * (qc * qd + a * qb) * sy,
        (a * a + qd * qd - qb * qb - qc * qc) * k,
        z,
      ] as const),
      ...([0, 0, 0, 1] as const),
    ];
  }
  return [sx, 0, 0, 0, 0, sy, 0, 0, 0, 0, sz, 0, 0, 0, 0, 1];
}
