import { open, readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { DataError, sizeOf, type Volume } from "@plseg/core";
import { orderDicomSeries } from "../dicom-series.js";
import { type DicomSlice, isDicom, readDicomPixels, readDicomSlice } from "../dicom-slice.js";
import type { ScanSlabs } from "../nifti-slabs.js";
import { collectImage } from "../read-nifti.js";
import { READ_NIFTI_DEFAULTS } from "../read-nifti-options.js";
import { readBytes } from "./read-bytes.js";

/** Options of {@link readDicomSeries}. */
export interface ReadDicomSeriesOptions {
  /** SeriesInstanceUID of the series to read, where a folder holds several. */
  readonly series?: string;
  /** A series with more voxels than this is refused before anything is allocated. */
  readonly maxVoxels?: number;
}

/**
 * Reads a CT from a folder of DICOM files, one slice each, uncompressed.
 *
 * Slices are ordered by their position in the patient, and values are scaled to Hounsfield units (RescaleSlope and
 * RescaleIntercept of each slice). The affine is to RAS+ millimeters; voxels keep DICOM's order, whose columns run to the
 * left and rows to the back for an ordinary CT (see `toCanonical`). Files that are not DICOM, and DICOM files that are
 * no slices (reports, contours), are passed over.
 *
 * @throws DataError naming folder, file and attribute if a file is damaged or compressed, or the slices do not form one
 *   grid: several series, different sizes or directions, two at one place, a gap, a tilted gantry.
 */
export async function readDicomSeries(dir: string, options: ReadDicomSeriesOptions = {}): Promise<Volume> {
  return collectImage(await openDicomSeries(dir, options));
}

/** Reads the headers of a series, and its slices when they are asked for. @throws DataError as {@link readDicomSeries}. */
export async function openDicomSeries(dir: string, options: ReadDicomSeriesOptions): Promise<ScanSlabs> {
  const { series, maxVoxels = READ_NIFTI_DEFAULTS.maxVoxels } = options;
  const { slices, grid } = orderDicomSeries(await readSlices(dir), dir, series);
  const voxels = sizeOf(grid.shape);
  if (voxels > maxVoxels)
    throw new DataError(
      `readDicomSeries: ${dir}: the series has ${voxels} voxels, at most ${maxVoxels} are read. If that is right, raise maxVoxels.`,
    );
  const slabs = async function* () {
    const values = new Float32Array(voxels / slices.length);
    for (const slice of slices) {
      readDicomPixels(await readBytes(slice.file), slice, values);
      yield values;
    }
  };
  return { name: dir, grid, slabs };
}

/** Whether a folder holds a DICOM file. */
export async function isDicomFolder(dir: string): Promise<boolean> {
  for (const name of await listNames(dir)) if (await startsAsDicom(join(dir, name))) return true;
  return false;
}

async function readSlices(dir: string): Promise<DicomSlice[]> {
  const slices: DicomSlice[] = [];
  let others = 0;
  const names = await listNames(dir);
  for (const name of names) {
    const file = join(dir, name);
    const claims = [".dcm", ".dicom"].includes(extname(name).toLowerCase());
    if (!claims && !(await startsAsDicom(file))) continue;
    const bytes = await readBytes(file);
    if (!claims && !isDicom(bytes)) continue;
    const slice = readDicomSlice(bytes, file);
    if (slice) slices.push(slice);
    else others++;
  }
  if (slices.length > 0) return slices;
  throw new DataError(
    others > 0
      ? `readDicomSeries: ${dir}: none of its ${others} DICOM files is a slice of a scan (image with ImagePositionPatient).`
      : `readDicomSeries: ${dir}: there is no DICOM file among its ${names.length} files. Name the folder of the series itself.`,
  );
}

/** Names of the files in a folder, without hidden ones and DICOMDIR, the table of contents of a disc. */
async function listNames(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    return files.filter((name) => !name.startsWith(".") && name.toUpperCase() !== "DICOMDIR").sort();
  } catch (cause) {
    throw new DataError(`readDicomSeries: ${dir} is not a folder that can be read.`, { cause });
  }
}

async function startsAsDicom(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined);
  if (!file) return false;
  try {
    const start = new Uint8Array(132);
    const { bytesRead } = await file.read(start, 0, start.length, 0);
    return isDicom(start.subarray(0, bytesRead));
  } catch {
    return false;
  } finally {
    await file.close();
  }
}
