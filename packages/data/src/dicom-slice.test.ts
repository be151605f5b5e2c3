import { type DicomAttributes, dicomFile } from "@plseg/test-kit";
import { describe, expect, test } from "vitest";
import { readDicomPixels, readDicomSlice } from "./dicom-slice.js";

const values = (attributes: DicomAttributes): number[] => {
  const bytes = dicomFile(attributes);
  const slice = readDicomSlice(bytes, "slice.dcm");
  if (!slice) throw new Error("not a slice");
  const target = new Float32Array(slice.rows * slice.columns);
  readDicomPixels(bytes, slice, target);
  return [...target];
};

const refusal = (bytes: Uint8Array): string => {
  try {
    readDicomSlice(bytes, "slice.dcm");
    return "read";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

describe("readDicomSlice", () => {
  test("reads what the grid needs", () => {
    expect(readDicomSlice(dicomFile({ position: "-250.5\\-100\\12.25" }), "slice.dcm")).toMatchObject({
      ...{ file: "slice.dcm", series: "1.2.4", description: "abdomen", instance: "1.2.3", rows: 2, columns: 3 },
      ...{ pixelSpacing: [1.5, 1], orientation: [1, 0, 0, 0, 1, 0], position: [-250.5, -100, 12.25], thickness: 2 },
      ...{ slope: 1, intercept: -1024 },
    });
  });

  test.each([
    ["implicit", "1.2.840.10008.1.2"],
    ["explicit", "1.2.840.10008.1.2.1"],
    ["explicit big-endian", "1.2.840.10008.1.2.2"],
  ])("reads pixels, %s: 2 x − 1000", (_, syntax) => {
    const pixels = [0, 1, 1000, -1, 4095, -2000];
    expect(values({ syntax, slope: "2", intercept: "-1000", pixels })).toEqual([-1000, -998, 1000, -1002, 7190, -5000]);
  });

  test("reads 12 stored bits with and without sign, whatever is above them, and 8 bits", () => {
    const pixels = [0x0fff, 0xf000, 0x0800, 0x07ff, 1, 2];
    const twelve = { bitsStored: 12, intercept: "0", pixels };
    expect(values({ ...twelve, signed: true })).toEqual([-1, 0, -2048, 2047, 1, 2]);
    expect(values({ ...twelve, signed: false })).toEqual([4095, 0, 2048, 2047, 1, 2]);
    const eight = { bitsAllocated: 8, intercept: "0", signed: false, pixels: [0, 1, 2, 3, 254, 255] };
    expect(values(eight)).toEqual([0, 1, 2, 3, 254, 255]);
  });

  test("passes over what has no place in the patient", () => {
    expect(readDicomSlice(dicomFile({ position: undefined }), "scout.dcm")).toBeUndefined();
  });

  test.each<[string, DicomAttributes, string]>([
    [
      "JPEG",
      { syntax: "1.2.840.10008.1.2.4.70" },
      "transfer syntax must be uncompressed, got 1.2.840.10008.1.2.4.70 (JPEG lossless). Decompress the series",
    ],
    ["several frames", { frames: "40" }, "one frame per file is read, got NumberOfFrames 40"],
    ["32 bits", { bitsAllocated: 32 }, "BitsAllocated must be 8 or 16, got 32."],
    ["few pixels", { pixels: [1, 2] }, "the pixels are cut short: 2 x 3 are 12 bytes, got 4."],
    ["no orientation", { orientation: "1\\0" }, "ImageOrientationPatient must be 6 numbers, got 1\\0."],
    ["no size", { pixelSpacing: "0\\1" }, "PixelSpacing must be positive, got 0\\1."],
    ["no slope", { slope: "0" }, "RescaleSlope must not be 0."],
    ["no rows", { rows: 0, pixels: [] }, "Rows and Columns must be positive, got 0 and 3."],
  ])("refuses %s", (_, attributes, message) => {
    expect(refusal(dicomFile(attributes))).toContain(`readDicomSeries: slice.dcm: ${message}`);
  });

  test("refuses what is no DICOM file or was cut short anywhere", () => {
    expect(refusal(new Uint8Array(400))).toContain("this is not a DICOM file");
    const whole = dicomFile();
    for (let length = 0; length < whole.length; length++) {
      const answer = refusal(whole.subarray(0, length));
      // Cut between attributes it may look like a DICOM file of something else, which is passed over.
      expect(answer === "read" || answer.startsWith("readDicomSeries: slice.dcm: ")).toBe(true);
      if (length > whole.length - 12) expect(answer).toContain("cut short");
    }
  });
});
