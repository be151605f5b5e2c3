import { DataError } from "@plseg/core";
import dicomParser, { type DataSet } from "dicom-parser";

/** What a DICOM file of one slice says. Vectors are in DICOM's directions: left, back, head (LPS). */
export interface DicomSlice {
  /** What error messages call the file. */
  readonly file: string;
  /** SeriesInstanceUID. */
  readonly series: string;
  /** SeriesDescription, or an empty string. */
  readonly description: string;
  /** SOPInstanceUID, or an empty string. */
  readonly instance: string;
  readonly rows: number;
  readonly columns: number;
  /** Millimeters between rows and between columns. */
  readonly pixelSpacing: readonly [rows: number, columns: number];
  /** Directions in which columns follow each other (along a row), and rows (down a column). */
  readonly orientation: readonly [...(readonly [number, number, number]), ...(readonly [number, number, number])];
  /** Center of the first voxel, millimeters. */
  readonly position: readonly [number, number, number];
  /** SliceThickness in millimeters, if it is there. */
  readonly thickness: number | undefined;
  /** Value = slope · stored + intercept; Hounsfield units for CT. */
  readonly slope: number;
  readonly intercept: number;
  readonly pixels: StoredPixels;
}

/** How a slice's pixels lie in its file. */
interface StoredPixels {
  readonly offset: number;
  readonly length: number;
  readonly littleEndian: boolean;
  readonly bitsAllocated: 8 | 16;
  readonly bitsStored: number;
  readonly signed: boolean;
}

const SYNTAXES: Readonly<Record<string, { readonly littleEndian: boolean }>> = {
  "1.2.840.10008.1.2": { littleEndian: true },
  "1.2.840.10008.1.2.1": { littleEndian: true },
  "1.2.840.10008.1.2.2": { littleEndian: false },
};

/** Names of compressed transfer syntaxes, for the message. */
const COMPRESSED: Readonly<Record<string, string>> = {
  "1.2.840.10008.1.2.1.99": "deflated",
  "1.2.840.10008.1.2.4.50": "JPEG baseline",
  "1.2.840.10008.1.2.4.51": "JPEG extended",
  "1.2.840.10008.1.2.4.57": "JPEG lossless",
  "1.2.840.10008.1.2.4.70": "JPEG lossless",
  "1.2.840.10008.1.2.4.80": "JPEG-LS lossless",
  "1.2.840.10008.1.2.4.81": "JPEG-LS",
  "1.2.840.10008.1.2.4.90": "JPEG 2000 lossless",
  "1.2.840.10008.1.2.4.91": "JPEG 2000",
  "1.2.840.10008.1.2.5": "RLE",
};

/** Whether bytes begin as a DICOM file does: 128 bytes of anything, then "DICM". */
export function isDicom(bytes: Uint8Array): boolean {
  return bytes.length >= 132 && String.fromCharCode(...bytes.subarray(128, 132)) === "DICM";
}

/**
 * Reads the header of a DICOM file that holds one slice of a scan, or `undefined` if it holds something else: a report,
 * contours, a segmentation, a picture without a place in the patient.
 *
 * @throws DataError naming the file and the attribute if it is damaged, cut short, compressed or of several frames.
 */
export function readDicomSlice(bytes: Uint8Array, file: string): DicomSlice | undefined {
  const fail = (rule: string, cause?: unknown): never => {
    throw new DataError(`readDicomSeries: ${file}: ${rule}`, cause === undefined ? undefined : { cause });
  };
  if (!isDicom(bytes)) return fail('this is not a DICOM file: bytes 128 to 131 must be "DICM".');
  const syntax = parse(bytes, "x00020013", fail).string("x00020010") ?? "";
  const known = SYNTAXES[syntax];
  // A compressed file is told by name. Its pixels are not looked at, and a deflated one's header neither.
  if (!known)
    return fail(
      `transfer syntax must be uncompressed, got ${syntax || "none"} (${COMPRESSED[syntax] ?? "unknown"}). Decompress the series, for example with "gdcmconv --raw" or "dcmconv +te".`,
    );
  const header = parse(bytes, "x7fe00010", fail);
  const element = header.elements.x7fe00010;
  if (!element || header.string("x00200032") === undefined) return undefined;
  const number = (tag: string, name: string): number =>
    header.uint16(tag) ?? fail(`${name} is missing. The file is damaged.`);
  const frames = header.intString("x00280008") ?? 1;
  if (frames !== 1)
    fail(`one frame per file is read, got NumberOfFrames ${frames} (enhanced CT). Convert it to NIfTI with dcm2niix.`);
  const samples = header.uint16("x00280002") ?? 1;
  const photometric = header.string("x00280004") ?? "MONOCHROME2";
  if (samples !== 1 || photometric !== "MONOCHROME2")
    fail(`pixels must be MONOCHROME2 with one sample, got ${photometric} with ${samples}. Is it a scan?`);
  const [rows, columns] = [number("x00280010", "Rows"), number("x00280011", "Columns")];
  const bitsAllocated = number("x00280100", "BitsAllocated");
  const bitsStored = header.uint16("x00280101") ?? bitsAllocated;
  const highBit = header.uint16("x00280102") ?? bitsStored - 1;
  if (rows === 0 || columns === 0) fail(`Rows and Columns must be positive, got ${rows} and ${columns}.`);
  if (bitsAllocated !== 8 && bitsAllocated !== 16) return fail(`BitsAllocated must be 8 or 16, got ${bitsAllocated}.`);
  if (bitsStored < 1 || bitsStored > bitsAllocated || highBit !== bitsStored - 1)
    fail(`BitsStored must be at most ${bitsAllocated} and HighBit one less, got ${bitsStored} and ${highBit}.`);
  const length = (rows * columns * bitsAllocated) / 8;
  const present = Math.min(element.length, bytes.length - element.dataOffset);
  if (present < length)
    fail(`the pixels are cut short: ${rows} x ${columns} are ${length} bytes, got ${present}. Copy the file again.`);
  const numbers = (tag: string, name: string, count: number): number[] => {
    const text = header.string(tag) ?? "";
    const values = text.split("\\").map(Number);
    if (text.trim() === "" || values.length !== count || !values.every(Number.isFinite))
      fail(`${name} must be ${count === 1 ? "a number" : `${count} numbers`}, got ${text === "" ? "nothing" : text}.`);
    return values;
  };
  const optional = (tag: string, name: string): number | undefined =>
    (header.string(tag) ?? "").trim() === "" ? undefined : numbers(tag, name, 1)[0];
  const pixelSpacing = numbers("x00280030", "PixelSpacing", 2);
  if (!pixelSpacing.every((mm) => mm > 0)) fail(`PixelSpacing must be positive, got ${pixelSpacing.join("\\")}.`);
  const thickness = optional("x00180050", "SliceThickness");
  const slope = optional("x00281053", "RescaleSlope") ?? 1;
  if (slope === 0) fail("RescaleSlope must not be 0.");
  return {
    file,
    series: header.string("x0020000e") ?? "",
    description: header.string("x0008103e") ?? "",
    instance: header.string("x00080018") ?? "",
    rows,
    columns,
    pixelSpacing: pixelSpacing as unknown as DicomSlice["pixelSpacing"],
    orientation: numbers("x00200037", "ImageOrientationPatient", 6) as unknown as DicomSlice["orientation"],
    position: numbers("x00200032", "ImagePositionPatient", 3) as unknown as DicomSlice["position"],
    thickness: thickness !== undefined && thickness > 0 ? thickness : undefined,
    slope,
    intercept: optional("x00281052", "RescaleIntercept") ?? 0,
    pixels: {
      offset: element.dataOffset,
      length,
      littleEndian: known.littleEndian,
      bitsAllocated,
      bitsStored,
      signed: header.uint16("x00280103") === 1,
    },
  };
}

/** Writes the values of a slice, scaled, into `target`, `[rows, columns]`. @param bytes - The whole file. */
export function readDicomPixels(bytes: Uint8Array, slice: DicomSlice, target: Float32Array): void {
  const { slope, intercept, pixels } = slice;
  const { offset, length, littleEndian, bitsAllocated, bitsStored, signed } = pixels;
  if (bytes.length < offset + length)
    throw new DataError(`readDicomSeries: ${slice.file}: the file was changed while it was read.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
  // Bits above those stored may hold anything (formerly overlays): they are shifted out, with or without the sign.
  const unused = 32 - bitsStored;
  for (let i = 0; i < target.length; i++) {
    const raw = bitsAllocated === 8 ? view.getUint8(i) : view.getUint16(2 * i, littleEndian);
    target[i] = slope * (signed ? (raw << unused) >> unused : (raw << unused) >>> unused) + intercept;
  }
}

/** The attributes before `untilTag`, and its place. */
function parse(bytes: Uint8Array, untilTag: string, fail: (rule: string, cause?: unknown) => never): DataSet {
  try {
    return dicomParser.parseDicom(bytes, { untilTag });
  } catch (cause) {
    // The library throws texts, errors, and objects that hold either.
    const inner = typeof cause === "object" && cause !== null && "exception" in cause ? cause.exception : cause;
    const reason = typeof inner === "string" ? inner : inner instanceof Error ? inner.message : "it cannot be parsed";
    return fail(`the file is damaged or cut short (${reason}). Copy it again.`, cause);
  }
}
