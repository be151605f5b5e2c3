import { DataError, type Shape, showShape, sizeOf } from "@plseg/core";
import { ELEMENT_ARRAYS, type SafetensorsArray, type SafetensorsType } from "./element-types.js";

/** One tensor of a safetensors file, row-major. */
export interface SafetensorsTensor {
  /** Sizes of the axes, outermost first. */
  readonly shape: Shape;
  /** Type of the numbers in the file. */
  readonly dtype: SafetensorsType;
  /** The numbers, last axis fastest. */
  readonly data: SafetensorsArray;
}

/** What a safetensors file holds. */
export interface SafetensorsFile {
  /** By name, in the order of the file. */
  readonly tensors: Map<string, SafetensorsTensor>;
  /** Free text by key, `__metadata__` of the header. */
  readonly metadata: Record<string, string>;
}

/** Longest header that readers accept. */
const LONGEST_HEADER = 100_000_000;

/**
 * Reads a safetensors file. The tensors are copies.
 *
 * @throws DataError if the file is truncated, its header is not what the format demands, or its tensors overlap, leave
 * gaps or do not fill it.
 * @see https://huggingface.co/docs/safetensors
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  const { header, body } = splitFile(bytes);
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === "string"))
    throw new DataError("readSafetensors: the metadata must be a flat map of texts.");

  const tensors = new Map<string, SafetensorsTensor>();
  const spans: { name: string; begin: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(entries)) {
    const { dtype, shape, begin, end } = checkEntry(name, entry);
    if (end > body.length)
      throw new DataError(`readSafetensors: "${name}" ends at byte ${end} of ${body.length}. The file is truncated.`);
    spans.push({ name, begin, end });
    tensors.set(name, {
      shape,
      dtype,
      data: new ELEMENT_ARRAYS[dtype](new Uint8Array(body.subarray(begin, end)).buffer),
    });
  }

  let filled = 0;
  for (const { name, begin, end } of spans.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== filled)
      throw new DataError(
        `readSafetensors: "${name}" must begin at byte ${filled}, where the tensor before it ends, got ${begin}.`,
      );
    filled = end;
  }
  if (filled !== body.length)
    throw new DataError(`readSafetensors: the tensors fill ${filled} of ${body.length} bytes.`);
  return { tensors, metadata: metadata as Record<string, string> };
}

/**
 * Writes a safetensors file: tensors by falling element size, so that each is aligned, and by name.
 * Equal input gives equal bytes.
 *
 * @throws DataError if a tensor's array does not fit its type or shape.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const order = [...tensors].sort(
    ([a, { dtype: typeA }], [b, { dtype: typeB }]) =>
      ELEMENT_ARRAYS[typeB].BYTES_PER_ELEMENT - ELEMENT_ARRAYS[typeA].BYTES_PER_ELEMENT || (a < b ? -1 : 1),
  );
  const header: Record<string, unknown> = Object.create(null);
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let length = 0;
  for (const [name, { shape, dtype, data }] of order) {
    if (name === "__metadata__") throw new DataError('writeSafetensors: a tensor cannot be named "__metadata__".');
    if (!(data instanceof ELEMENT_ARRAYS[dtype]) || data.length !== sizeOf(shape))
      throw new DataError(
        `writeSafetensors: "${name}" must be ${ELEMENT_ARRAYS[dtype].name} of ${sizeOf(shape)} values for ${dtype} ${showShape(shape)}, got ${data.constructor.name} of ${data.length}.`,
      );
    header[name] = { dtype, shape, data_offsets: [length, length + data.byteLength] };
    length += data.byteLength;
  }

  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + headerLength + length);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.fill(0x20, 8, 8 + headerLength).set(text, 8);
  let offset = 8 + headerLength;
  for (const [, { data }] of order) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return file;
}

function splitFile(bytes: Uint8Array): { header: Record<string, unknown>; body: Uint8Array } {
  if (bytes.length < 8) throw new DataError(`readSafetensors: a file has at least 8 bytes, got ${bytes.length}.`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > LONGEST_HEADER)
    throw new DataError(`readSafetensors: the header claims ${length} bytes. This is no safetensors file.`);
  const end = 8 + Number(length);
  if (end > bytes.length)
    throw new DataError(`readSafetensors: the header ends at byte ${end} of ${bytes.length}. The file is truncated.`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, end)));
  } catch (cause) {
    throw new DataError("readSafetensors: the header is not JSON.", { cause });
  }
  if (!isRecord(header)) throw new DataError("readSafetensors: the header must be a JSON object.");
  return { header, body: bytes.subarray(end) };
}

function checkEntry(
  name: string,
  entry: unknown,
): { dtype: SafetensorsType; shape: number[]; begin: number; end: number } {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (typeof dtype !== "string" || !Object.hasOwn(ELEMENT_ARRAYS, dtype))
    throw new DataError(
      `readSafetensors: "${name}" has the element type ${JSON.stringify(dtype)}. Known: ${Object.keys(ELEMENT_ARRAYS).join(", ")}.`,
    );
  if (!Array.isArray(shape) || !shape.every(isCount))
    throw new DataError(`readSafetensors: "${name}" has no valid shape, got ${JSON.stringify(shape)}.`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw new DataError(`readSafetensors: "${name}" has no valid data_offsets, got ${JSON.stringify(offsets)}.`);
  const [begin, end] = offsets as [number, number];
  const size = sizeOf(shape) * ELEMENT_ARRAYS[dtype as SafetensorsType].BYTES_PER_ELEMENT;
  if (end - begin !== size)
    throw new DataError(
      `readSafetensors: "${name}" of type ${dtype} and shape ${showShape(shape)} takes ${size} bytes, got ${end - begin}.`,
    );
  return { dtype: dtype as SafetensorsType, shape, begin, end };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
