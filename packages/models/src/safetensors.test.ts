import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readSafetensors, type SafetensorsTensor, writeSafetensors } from "./safetensors.js";

/** A file with this header and this many bytes of data. */
function file(header: unknown, dataLength: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const entry = (begin: number, end: number) => ({ dtype: "U8", shape: [end - begin], data_offsets: [begin, end] });

describe("safetensors", () => {
  const tensors = new Map<string, SafetensorsTensor>([
    ["bytes", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }],
    ["float", { dtype: "F32", shape: [2, 1], data: Float32Array.of(1.5, -2) }],
    ["big", { dtype: "I64", shape: [], data: BigInt64Array.of(-7n) }],
    ["none", { dtype: "F64", shape: [0, 4], data: new Float64Array(0) }],
  ]);

  test("come back as they were written", () => {
    const read = readSafetensors(writeSafetensors(tensors, { by: "test" }));
    expect(read.metadata).toEqual({ by: "test" });
    expect(new Map([...read.tensors].sort())).toEqual(new Map([...tensors].sort()));
  });

  test("are written aligned, and the same every time", () => {
    const bytes = writeSafetensors(tensors);
    expect(writeSafetensors(new Map([...tensors].reverse()))).toEqual(bytes);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    expect(header.big.data_offsets).toEqual([0, 8]);
    expect(header.float.data_offsets).toEqual([8, 16]);
  });

  test("are read from the middle of a buffer", () => {
    const bytes = writeSafetensors(tensors);
    const within = new Uint8Array(bytes.length + 3);
    within.set(bytes, 3);
    expect(readSafetensors(within.subarray(3)).tensors.get("float")?.data).toEqual(Float32Array.of(1.5, -2));
  });

  test("are read from a Buffer, whose slices are views", () => {
    const read = readSafetensors(Buffer.from(writeSafetensors(tensors)));
    expect(read.tensors.get("float")?.data).toEqual(Float32Array.of(1.5, -2));
  });

  test("that were cut anywhere are refused", () => {
    const bytes = writeSafetensors(tensors, { by: "test" });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        expect(() => readSafetensors(bytes.subarray(0, length))).toThrow(/^readSafetensors: /);
      }),
    );
  });

  test.each([
    ["no JSON", file("{", 0), "the header is not JSON."],
    ["no object", file([], 0), "the header must be a JSON object."],
    ["metadata", file({ __metadata__: { a: 1 } }, 0), "the metadata must be a flat map of texts."],
    ["a type", file({ a: { ...entry(0, 1), dtype: "F31" } }, 1), '"a" has the element type "F31". Known: F64, I64,'],
    ["a shape", file({ a: { ...entry(0, 1), shape: [-1] } }, 1), '"a" has no valid shape, got [-1].'],
    ["offsets", file({ a: { ...entry(0, 1), data_offsets: [0] } }, 1), '"a" has no valid data_offsets, got [0].'],
    ["a size", file({ a: { ...entry(0, 1), shape: [2] } }, 1), '"a" of type U8 and shape [2] takes 2 bytes, got 1.'],
    [
      "an overlap",
      file({ a: entry(0, 2), b: entry(1, 3) }, 3),
      '"b" must begin at byte 2, where the tensor before it ends, got 1.',
    ],
    [
      "a gap",
      file({ a: entry(0, 1), b: entry(2, 3) }, 3),
      '"b" must begin at byte 1, where the tensor before it ends, got 2.',
    ],
    ["a rest", file({ a: entry(0, 1) }, 3), "the tensors fill 1 of 3 bytes."],
    ["too few bytes", file({ a: entry(0, 4) }, 3), '"a" ends at byte 4 of 3. The file is truncated.'],
    [
      "another format",
      new Uint8Array(16).fill(255),
      "the header claims 18446744073709551615 bytes. This is no safetensors file.",
    ],
  ])("with a wrong header are refused: %s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(`readSafetensors: ${message}`);
  });

  test("are not written from arrays that do not fit", () => {
    expect(() => writeSafetensors(new Map([["a", { dtype: "F32", shape: [3], data: Float32Array.of(1) }]]))).toThrow(
      'writeSafetensors: "a" must be Float32Array of 3 values for F32 [3], got Float32Array of 1.',
    );
  });
});
