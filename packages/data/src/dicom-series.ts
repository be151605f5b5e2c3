import { type Affine, DataError } from "@plseg/core";
import type { Grid } from "./affine.js";
import type { DicomSlice } from "./dicom-slice.js";

/** Slices of one series in their order in space, and where they lie. */
export interface DicomSeries {
  readonly slices: readonly DicomSlice[];
  readonly grid: Grid;
}

/** Distances of neighboring slices may differ by this part: scanners round positions. */
const EVEN = 0.05;

/** Slices may lean by so many degrees, and be shifted by this part of a pixel. */
const LEAN = 0.1;
const SHIFT = 0.1;

/**
 * Orders slices along their normal, whatever their names and numbers, and finds the grid that they form.
 *
 * @param slices - At least one.
 * @param series - SeriesInstanceUID of the series to take if there are several.
 * @throws DataError if there are several series, or the slices do not form a grid: different size, spacing or direction,
 *   two at one place, a gap, uneven distances, a tilted gantry.
 */
export function orderDicomSeries(slices: readonly DicomSlice[], where: string, series?: string): DicomSeries {
  const fail = (rule: string): never => {
    throw new DataError(`readDicomSeries: ${where}: ${rule}`);
  };
  const chosen = chooseSeries(slices, series, fail);
  const [first] = chosen;
  if (!first) return fail("there is no slice.");
  for (const slice of chosen) checkAlike(first, slice, fail);
  const [across, down] = [first.orientation.slice(0, 3), first.orientation.slice(3)];
  if (!(isUnit(across) && isUnit(down) && Math.abs(dot(across, down)) < 1e-3))
    fail(
      `ImageOrientationPatient must be two directions at right angles, got ${first.orientation.join("\\")} in ${first.file}.`,
    );
  const normal = cross(across, down);
  const ordered = [...chosen].sort((a, b) => dot(a.position, normal) - dot(b.position, normal));
  const step = stepOf(ordered, normal, fail);
  const [origin] = ordered as [DicomSlice];
  const [betweenRows, betweenColumns] = first.pixelSpacing;
  // DICOM's axes run to left and back, ours to right and front.
  const rows = [-1, -1, 1].map((sign, i) =>
    [
      (across[i] as number) * betweenColumns,
      (down[i] as number) * betweenRows,
      step[i] as number,
      origin.position[i] as number,
    ].map((value) => sign * value + 0),
  );
  const affine = [...rows.flat(), 0, 0, 0, 1] as unknown as Affine;
  return { slices: ordered, grid: { shape: [ordered.length, first.rows, first.columns], affine } };
}

type Fail = (rule: string) => never;

function chooseSeries(slices: readonly DicomSlice[], wanted: string | undefined, fail: Fail): readonly DicomSlice[] {
  const groups = new Map<string, DicomSlice[]>();
  for (const slice of slices) groups.set(slice.series, [...(groups.get(slice.series) ?? []), slice]);
  const listed = [...groups].map(
    ([uid, { length, 0: one }]) => `${uid} (${length} slices${one?.description ? `, "${one.description}"` : ""})`,
  );
  if (wanted !== undefined)
    return groups.get(wanted) ?? fail(`there is no series ${wanted}. Series: ${listed.join("; ")}.`);
  if (groups.size > 1)
    fail(
      `one series is expected, got ${groups.size}: ${listed.join("; ")}. Name one (option series), or a folder each.`,
    );
  return slices;
}

/** Slices of one series may still be of different kinds, such as a scout beside the scan. */
function checkAlike(first: DicomSlice, slice: DicomSlice, fail: Fail): void {
  const differs = (name: string, a: string, b: string): never =>
    fail(
      `all slices must have the same ${name}, got ${a} in ${first.file} and ${b} in ${slice.file}. Move those apart.`,
    );
  if (slice.rows !== first.rows || slice.columns !== first.columns)
    differs("Rows and Columns", `${first.rows} x ${first.columns}`, `${slice.rows} x ${slice.columns}`);
  const apart = (a: readonly number[], b: readonly number[], tolerance: number): boolean =>
    a.some((value, i) => Math.abs(value - (b[i] as number)) > tolerance);
  if (apart(slice.pixelSpacing, first.pixelSpacing, 1e-3 * first.pixelSpacing[0]))
    differs("PixelSpacing", first.pixelSpacing.join("\\"), slice.pixelSpacing.join("\\"));
  if (apart(slice.orientation, first.orientation, 1e-3))
    differs("ImageOrientationPatient", first.orientation.join("\\"), slice.orientation.join("\\"));
}

/** From one slice to the next, millimeters. */
function stepOf(ordered: readonly DicomSlice[], normal: readonly number[], fail: Fail): readonly number[] {
  const [first, last] = [ordered[0] as DicomSlice, ordered.at(-1) as DicomSlice];
  if (ordered.length === 1)
    return normal.map(
      (value) => value * (first.thickness ?? fail(`${first.file} is the only slice and has no SliceThickness.`)),
    );
  const heights = ordered.map(({ position }) => dot(position, normal));
  const distances = heights.slice(1).map((height, i) => height - (heights[i] as number));
  const usual = [...distances].sort((a, b) => a - b)[distances.length >> 1] as number;
  for (const [i, distance] of distances.entries()) {
    const [below, above] = [ordered[i] as DicomSlice, ordered[i + 1] as DicomSlice];
    if (distance < 0.01 || distance < EVEN * usual)
      fail(
        `two slices lie at one place (${(heights[i] as number).toFixed(2)} mm): ${below.file} and ${above.file}. Are they copies, or two phases or reconstructions? Keep one.`,
      );
    if (Math.abs(distance - usual) <= Math.max(0.01, EVEN * usual)) continue;
    const missing = Math.round(distance / usual) - 1;
    const whole = Math.abs(distance - (missing + 1) * usual) <= EVEN * usual * (missing + 1);
    fail(
      `slices must be evenly spaced, most are ${usual.toFixed(2)} mm apart, but ${below.file} and ${above.file} are ${distance.toFixed(2)} mm apart${missing > 0 && whole ? `: ${missing === 1 ? "one slice is" : `${missing} slices are`} missing between them. Add them` : ". Resample the series, for example with dcm2niix"}.`,
    );
  }
  const step = last.position.map((value, i) => (value - (first.position[i] as number)) / (ordered.length - 1));
  const lean = (Math.acos(Math.min(1, dot(step, normal) / Math.hypot(...step))) * 180) / Math.PI;
  if (lean > LEAN)
    fail(
      `the slices are not stacked along their normal but lean by ${lean.toFixed(1)} degrees: the gantry was tilted. Straighten the series, for example with dcm2niix.`,
    );
  const pixel = Math.min(...first.pixelSpacing);
  for (const [i, { position, file }] of ordered.entries()) {
    const off = position.map((value, axis) => value - (first.position[axis] as number) - i * (step[axis] as number));
    const along = dot(off, normal);
    const sideways = Math.hypot(...off.map((value, axis) => value - along * (normal[axis] as number)));
    if (sideways > SHIFT * pixel)
      fail(
        `the slices must lie straight above each other, but ${file} is shifted sideways by ${sideways.toFixed(2)} mm.`,
      );
  }
  return step;
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

const isUnit = (vector: readonly number[]): boolean => Math.abs(Math.hypot(...vector) - 1) < 1e-3;

function cross([a = 0, b = 0, c = 0]: readonly number[], [x = 0, y = 0, z = 0]: readonly number[]): number[] {
  return [b * z - c * y, c * x - a * z, a * y - b * x];
}
