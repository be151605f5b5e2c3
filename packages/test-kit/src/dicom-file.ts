/** What {@link dicomFile} writes: a CT slice of 2 x 3 pixels unless told. Texts as DICOM has them, values apart by `\`. */
export interface DicomAttributes {
  readonly syntax?: string;
  readonly series?: string;
  readonly description?: string;
  readonly instance?: string;
  readonly modality?: string;
  readonly rows?: number;
  readonly columns?: number;
  readonly pixelSpacing?: string;
  readonly orientation?: string;
  readonly position?: string | undefined;
  readonly thickness?: string | undefined;
  readonly slope?: string;
  readonly intercept?: string;
  readonly frames?: string;
  readonly bitsAllocated?: number;
  readonly bitsStored?: number;
  readonly signed?: boolean;
  readonly pixels?: readonly number[];
}

const EXPLICIT = "1.2.840.10008.1.2.1";
const EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2";
const IMPLICIT = "1.2.840.10008.1.2";

/** A DICOM file of one CT slice, for tests: explicit or implicit little-endian, or explicit big-endian. */
export function dicomFile(attributes: DicomAttributes = {}): Uint8Array {
  const { syntax = EXPLICIT, rows = 2, columns = 3, bitsAllocated = 16, signed = true } = attributes;
  const { bitsStored = bitsAllocated, pixels = Array.from({ length: rows * columns }, (_, i) => i) } = attributes;
  const position = "position" in attributes ? attributes.position : "0\\0\\0";
  const thickness = "thickness" in attributes ? attributes.thickness : "2";
  const littleEndian = syntax !== EXPLICIT_BIG_ENDIAN;
  const meta = [...element(0x0002, 0x0010, "UI", text(syntax), true, true)];
  const short = (value: number): number[] => bytesOf(value, 2, littleEndian);
  const data: (readonly [group: number, tag: number, vr: string, value: readonly number[] | undefined])[] = [
    [0x0008, 0x0018, "UI", text(attributes.instance ?? "1.2.3")],
    [0x0008, 0x0060, "CS", text(attributes.modality ?? "CT")],
    [0x0008, 0x103e, "LO", text(attributes.description ?? "abdomen")],
    [0x0018, 0x0050, "DS", thickness === undefined ? undefined : text(thickness)],
    [0x0020, 0x000e, "UI", text(attributes.series ?? "1.2.4")],
    [0x0020, 0x0032, "DS", position === undefined ? undefined : text(position)],
    [0x0020, 0x0037, "DS", text(attributes.orientation ?? "1\\0\\0\\0\\1\\0")],
    [0x0028, 0x0002, "US", short(1)],
    [0x0028, 0x0004, "CS", text("MONOCHROME2")],
    [0x0028, 0x0008, "IS", attributes.frames === undefined ? undefined : text(attributes.frames)],
    [0x0028, 0x0010, "US", short(rows)],
    [0x0028, 0x0011, "US", short(columns)],
    [0x0028, 0x0030, "DS", text(attributes.pixelSpacing ?? "1.5\\1")],
    [0x0028, 0x0100, "US", short(bitsAllocated)],
    [0x0028, 0x0101, "US", short(bitsStored)],
    [0x0028, 0x0102, "US", short(bitsStored - 1)],
    [0x0028, 0x0103, "US", short(signed ? 1 : 0)],
    [0x0028, 0x1052, "DS", text(attributes.intercept ?? "-1024")],
    [0x0028, 0x1053, "DS", text(attributes.slope ?? "1")],
    [0x7fe0, 0x0010, "OW", pixels.flatMap((value) => bytesOf(value, bitsAllocated / 8, littleEndian))],
  ];
  const written = data.flatMap(([group, tag, vr, value]) =>
    value ? element(group, tag, vr, value, littleEndian, syntax !== IMPLICIT) : [],
  );
  const length = element(0x0002, 0x0000, "UL", bytesOf(meta.length, 4, true), true, true);
  return Uint8Array.from([...new Array(128).fill(0), ...text("DICM"), ...length, ...meta, ...written]);
}

const text = (value: string): number[] => Array.from(value, (letter) => letter.charCodeAt(0));

function bytesOf(value: number, count: number, littleEndian: boolean): number[] {
  const bytes = Array.from({ length: count }, (_, i) => (value >> (8 * i)) & 0xff);
  return littleEndian ? bytes : bytes.reverse();
}

function element(
  group: number,
  tag: number,
  vr: string,
  value: readonly number[],
  littleEndian: boolean,
  explicit: boolean,
): number[] {
  const padded = value.length % 2 ? [...value, vr === "UI" ? 0 : 0x20] : value;
  const number = (bits: number, count: number): number[] => bytesOf(bits, count, littleEndian);
  const length = padded.length;
  const head = !explicit
    ? number(length, 4)
    : vr === "OW"
      ? [...text(vr), 0, 0, ...number(length, 4)]
      : [...text(vr), ...number(length, 2)];
  return [...number(group, 2), ...number(tag, 2), ...head, ...padded];
}
