import { DataError, type LabelMap, sizeOf, type Volume, withDefaults } from "@plseg/core";
import { bytesSource } from "./byte-source.js";
import { openNifti, type ScanSlabs } from "./nifti-slabs.js";
import { READ_NIFTI_DEFAULTS, type ReadNiftiOptions } from "./read-nifti-options.js";

/** The two files of a NIfTI pair. */
export interface NiftiPair {
  /** Content of the .hdr file. */
  readonly header: Uint8Array;
  /** Content of the .img file. */
  readonly image: Uint8Array;
}

/**
 * Reads a scan: NIfTI-1 or NIfTI-2, in one file or a pair, plain or gzipped, any byte order, any real data type, scaled by
 * `scl_slope` and `scl_inter` (a slope of 0 means no scaling), 4-D if it holds one volume.
 *
 * The affine is the sform if its code is set, else the qform. If both are set and differ, a warning says so.
 *
 * The header is checked before memory is taken, and gzip is inflated only as far as the header says there are voxels. Besides
 * the result, about 65 thousand voxels (or one slice) are in memory at a time.
 *
 * @param file - The file, or the two files of a pair. They are read, never changed.
 * @throws DataError naming the file, the field, what was found and what was expected.
 * @see https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h
 */
export async function readNifti(file: Uint8Array | NiftiPair, options: ReadNiftiOptions = {}): Promise<Volume> {
  return collectImage(await openBytes(file, options));
}

/**
 * Reads a label map: as {@link readNifti}, but voxels are whole numbers, uint8 if they fit and else uint16.
 *
 * @throws DataError as {@link readNifti}, and if a value is not a whole number from 0 to 65535.
 */
export async function readLabelNifti(file: Uint8Array | NiftiPair, options: ReadNiftiOptions = {}): Promise<LabelMap> {
  return collectLabels(await openBytes(file, options));
}

function openBytes(file: Uint8Array | NiftiPair, options: ReadNiftiOptions): Promise<ScanSlabs> {
  const { name } = withDefaults(READ_NIFTI_DEFAULTS, options);
  if (file instanceof Uint8Array) return openNifti(bytesSource(file, name), undefined, options);
  return openNifti(bytesSource(file.header, name), bytesSource(file.image, name), options);
}

/** All slices as an image. @throws DataError if no voxel is a finite number. */
export async function collectImage({ name, grid, slabs }: ScanSlabs): Promise<Volume> {
  const data = new Float32Array(sizeOf(grid.shape));
  let at = 0;
  let anyFinite = false;
  for await (const slab of slabs()) {
    const part = data.subarray(at, at + slab.length);
    part.set(slab);
    anyFinite ||= part.some(Number.isFinite);
    at += slab.length;
  }
  if (!anyFinite) throw new DataError(`readNifti: ${name}: no voxel is a finite number. The scan is empty or damaged.`);
  return { data, ...grid };
}

/** All slices as a label map. @throws DataError if a value is not a whole number from 0 to 65535. */
export async function collectLabels({ name, grid, slabs }: ScanSlabs): Promise<LabelMap> {
  let data: Uint8Array | Uint16Array = new Uint8Array(sizeOf(grid.shape));
  let at = 0;
  for await (const slab of slabs()) {
    let largest = 0;
    for (let i = 0; i < slab.length; i++) {
      const value = slab[i] as number;
      if (!(Number.isInteger(value) && value >= 0 && value <= 65_535))
        throw new DataError(
          `readLabelNifti: ${name}: labels must be whole numbers from 0 to 65535, got ${value} at voxel ${at + i}. Is it an image and not a label map?`,
        );
      if (value > largest) largest = value;
    }
    if (largest > 255 && data instanceof Uint8Array) data = Uint16Array.from(data);
    data.set(slab, at);
    at += slab.length;
  }
  return { data, ...grid };
}
