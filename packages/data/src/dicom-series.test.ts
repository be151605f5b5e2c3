import { DataError } from "@plseg/core";
import { type DicomAttributes, dicomFile } from "@plseg/test-kit";
import { describe, expect, test } from "vitest";
import { orderDicomSeries } from "./dicom-series.js";
import { type DicomSlice, readDicomSlice } from "./dicom-slice.js";

const slice = (file: string, attributes: DicomAttributes): DicomSlice => {
  const read = readDicomSlice(dicomFile(attributes), file);
  if (!read) throw new Error("not a slice");
  return read;
};

/** Slices at heights in millimeters, in the order given, named by their place in it. */
const stack = (heights: readonly number[], attributes: DicomAttributes = {}): DicomSlice[] =>
  heights.map((z, i) => slice(`${i}.dcm`, { ...attributes, position: `-30\\-20\\${z}` }));

const refusal = (slices: readonly DicomSlice[], series?: string): string => {
  try {
    orderDicomSeries(slices, "ct", series);
    return "ordered";
  } catch (error) {
    return error instanceof DataError ? error.message : `not a DataError: ${error}`;
  }
};

describe("orderDicomSeries", () => {
  test("orders by position, not by name, and turns left and back into right and front", () => {
    const { slices, grid } = orderDicomSeries(stack([5, 0, 10, 2.5, 7.5]), "ct");
    expect(slices.map(({ file }) => file)).toEqual(["1.dcm", "3.dcm", "0.dcm", "4.dcm", "2.dcm"]);
    expect(grid.shape).toEqual([5, 2, 3]);
    expect(grid.affine).toEqual([-1, 0, 0, 30, 0, -1.5, 0, 20, 0, 0, 2.5, 0, 0, 0, 0, 1]);
  });

  test("follows the normal of coronal and oblique slices", () => {
    // Rows run down, so the normal across × down of a coronal slice points to the back: (1,0,0) × (0,0,−1) = (0,1,0).
    const coronal = [2, 0, 4].map((y) =>
      slice(`${y}.dcm`, { orientation: "1\\0\\0\\0\\0\\-1", position: `0\\${y}\\50` }),
    );
    const { slices, grid } = orderDicomSeries(coronal, "ct");
    expect(slices.map(({ file }) => file)).toEqual(["0.dcm", "2.dcm", "4.dcm"]);
    expect(grid.affine).toEqual([-1, 0, 0, 0, 0, 0, -2, 0, 0, -1.5, 0, 50, 0, 0, 0, 1]);
  });

  test("takes the thickness of a single slice", () => {
    expect(orderDicomSeries(stack([5]), "ct").grid.affine[10]).toBe(2);
    expect(refusal(stack([5], { thickness: undefined }))).toBe(
      "readDicomSeries: ct: 0.dcm is the only slice and has no SliceThickness.",
    );
  });

  test("forgives positions that were rounded", () => {
    expect(orderDicomSeries(stack([0, 1.25, 2.49, 3.75, 5.01]), "ct").grid.affine[10]).toBeCloseTo(1.2525, 9);
  });

  test("says where slices are missing, doubled or uneven", () => {
    expect(refusal(stack([0, 2, 4, 8, 10]))).toBe(
      "readDicomSeries: ct: slices must be evenly spaced, most are 2.00 mm apart, but 2.dcm and 3.dcm are 4.00 mm apart: one slice is missing between them. Add them.",
    );
    expect(refusal(stack([0, 2, 4, 10, 12]))).toContain("2 slices are missing between them");
    expect(refusal(stack([0, 2, 4, 6.5, 8.5]))).toContain("are 2.50 mm apart. Resample the series");
    expect(refusal(stack([0, 2, 2, 4]))).toBe(
      "readDicomSeries: ct: two slices lie at one place (2.00 mm): 1.dcm and 2.dcm. Are they copies, or two phases or reconstructions? Keep one.",
    );
  });

  test("measures the tilt of a gantry", () => {
    const tilted = [0, 2, 4].map((z) => slice(`${z}.dcm`, { position: `0\\${z * Math.tan(Math.PI / 12)}\\${z}` }));
    expect(refusal(tilted)).toContain("lean by 15.0 degrees: the gantry was tilted");
  });

  test("finds a slice that was shifted sideways", () => {
    const shifted = ["0\\0\\0", "3\\0\\2", "0\\0\\4"].map((position, i) => slice(`${i}.dcm`, { position }));
    expect(refusal(shifted)).toContain("1.dcm is shifted sideways by 3.00 mm");
  });

  test("lists the series of a mixed folder, and takes the one that is named", () => {
    const mixed = [...stack([0, 2]), ...stack([0, 2, 4], { series: "1.9", description: "lung" })];
    expect(refusal(mixed)).toBe(
      'readDicomSeries: ct: one series is expected, got 2: 1.2.4 (2 slices, "abdomen"); 1.9 (3 slices, "lung"). Name one (option series), or a folder each.',
    );
    expect(orderDicomSeries(mixed, "ct", "1.9").slices).toHaveLength(3);
    expect(refusal(mixed, "7")).toContain("there is no series 7. Series: 1.2.4");
  });

  test("finds slices of another size, spacing or direction", () => {
    const odd = (attributes: DicomAttributes): string =>
      refusal([...stack([0, 2]), slice("odd.dcm", { position: "-30\\-20\\4", ...attributes })]);
    expect(odd({ rows: 3 })).toBe(
      "readDicomSeries: ct: all slices must have the same Rows and Columns, got 2 x 3 in 0.dcm and 3 x 3 in odd.dcm. Move those apart.",
    );
    expect(odd({ pixelSpacing: "2\\2" })).toContain("the same PixelSpacing, got 1.5\\1 in 0.dcm and 2\\2 in odd.dcm");
    expect(odd({ orientation: "1\\0\\0\\0\\0\\-1" })).toContain("the same ImageOrientationPatient");
  });

  test("refuses directions that are none", () => {
    expect(refusal(stack([0, 2], { orientation: "1\\0\\0\\1\\0\\0" }))).toContain("two directions at right angles");
  });
});
