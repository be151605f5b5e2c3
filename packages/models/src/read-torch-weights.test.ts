import { DataError } from "@plseg/core";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { readTorchWeights } from "./read-torch-weights.js";

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** One tensor `w` as PyTorch pickles it: storage 0 of `length` floats, and what shape and strides say. */
function pickle({ length = 4, offset = 0, shape = [2, 2], strides = [2, 1], type = "FloatStorage" } = {}): Uint8Array {
  const text = (value: string): string => `X${String.fromCharCode(value.length)}\0\0\0${value}`;
  const count = (value: number): string => `J${String.fromCharCode(...new Uint8Array(Int32Array.of(value).buffer))}`;
  const tuple = (...items: string[]): string => `(${items.join("")}t`;
  const storage = tuple(text("storage"), `ctorch\n${type}\n`, text("0"), text("cpu"), count(length));
  const tensor = tuple(`${storage}Q`, count(offset), tuple(...shape.map(count)), tuple(...strides.map(count)), "\x89N");
  return bytesOf(`\x80\x02}${text("w")}ctorch._utils\n_rebuild_tensor_v2\n${tensor}Rs.`);
}

const numbers = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

/** A file of torch.save in the zip format. */
const file = (data: Uint8Array = pickle(), others: Record<string, Uint8Array> = {}, level: 0 | 9 = 0): Uint8Array =>
  zipSync({ "net/data.pkl": data, "net/data/0": numbers, ...others }, { level });

describe("readTorchWeights", () => {
  test("copies a transposed view out, row-major", () => {
    const { data, shape } = readTorchWeights(file(pickle({ strides: [1, 2] }))).get("w") ?? {};
    expect([shape, ...(data ?? [])]).toEqual([[2, 2], 1, 3, 2, 4]);
  });

  test("reads a view at an offset, and an empty tensor", () => {
    expect(readTorchWeights(file(pickle({ offset: 1, shape: [3], strides: [1] }))).get("w")?.data).toEqual(
      Float32Array.of(2, 3, 4),
    );
    expect(readTorchWeights(file(pickle({ offset: 4, shape: [0, 2], strides: [2, 1] }))).get("w")?.data).toHaveLength(
      0,
    );
  });

  test.each<[what: string, bytes: Uint8Array, message: string]>([
    ["a view that ends behind its storage", file(pickle({ offset: 1 })), "does not fit its storage of 4 numbers"],
    ["a tensor far larger than its file", file(pickle({ shape: [65536, 65536], strides: [0, 0] })), "does not fit"],
    ["a storage of another length", file(pickle({ length: 5 })), "needs a storage of 20 bytes, got 16"],
    ["a missing storage", zipSync({ "net/data.pkl": pickle() }, { level: 0 }), "needs a storage of 16 bytes, got none"],
    ["a storage of complex numbers", file(pickle({ type: "ComplexFloatStorage" })), '"torch.ComplexFloatStorage"'],
    [
      "a compressed file, such as a zip bomb",
      file(pickle(), { "net/data/0": new Uint8Array(1e6) }, 9),
      "must be stored as it is",
    ],
    ["two networks in one archive", file(pickle(), { "other/data.pkl": pickle() }), "must hold one data.pkl"],
    ["a zip of something else", zipSync({ "a.txt": numbers }), "must hold one data.pkl"],
    ["a big-endian machine's", file(pickle(), { "net/byteorder": bytesOf("big") }), "big-endian"],
    ["a dictionary without tensors", file(bytesOf("\x80\x02}X\x05\0\0\0epochK\x03s.")), "a dictionary of epoch"],
    ["a number", file(bytesOf("\x80\x02K\x03.")), "no tensors by name, but no dictionary"],
    ["a pickle of something else", bytesOf("\x80\x02K\x01.\x80\x02K\x01.\x80\x02K\x01."), "not one of torch.save"],
    ["no file of torch.save", bytesOf("hello"), "it begins neither as a zip archive nor as a pickle"],
    ["nothing", new Uint8Array(), "it begins neither"],
    ["an archive that is cut short", file().slice(0, 80), "the archive is damaged"],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => readTorchWeights(bytes)).toThrow(DataError);
    expect(() => readTorchWeights(bytes)).toThrow(message);
  });
});
