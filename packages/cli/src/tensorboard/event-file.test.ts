import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { ResourceError } from "@plseg/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crc32c } from "./crc32c.js";
import { openEventFile } from "./event-file.js";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-events-"));
});
afterAll(() => rm(root, { recursive: true }));

/** Fields of a protobuf message by number: a list of varints, floats or bytes each. */
function fieldsOf(bytes: Uint8Array): Record<number, (number | Uint8Array)[]> {
  const reader = new BinaryReader(bytes);
  const fields: Record<number, (number | Uint8Array)[]> = {};
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    let value: number | Uint8Array;
    if (wire === WireType.Varint) value = Number(reader.int64());
    else if (wire === WireType.Bit64) value = reader.double();
    else if (wire === WireType.Bit32) value = reader.float();
    else value = reader.bytes();
    fields[field] = [...(fields[field] ?? []), value];
  }
  return fields;
}

const only = (fields: Record<number, (number | Uint8Array)[]>, field: number): Uint8Array => {
  expect(fields[field]).toHaveLength(1);
  return fields[field]?.[0] as Uint8Array;
};
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Reads an event file as TensorFlow's record reader does: a length or an event that does not match its checksum throws. */
function readEvents(bytes: Buffer): Record<number, (number | Uint8Array)[]>[] {
  const events = [];
  const check = (part: Uint8Array, expected: number): void => {
    // unmasked: the constant taken away, rotated back by 15 to the left
    const rotated = (expected - 0xa282ead8) >>> 0;
    expect(((rotated << 15) | (rotated >>> 17)) >>> 0).toBe(crc32c(part));
  };
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    check(bytes.subarray(at, at + 8), bytes.readUInt32LE(at + 8));
    const event = bytes.subarray(at + 12, at + 12 + length);
    expect(event).toHaveLength(length);
    check(event, bytes.readUInt32LE(at + 12 + length));
    events.push(fieldsOf(event));
    at += length + 16;
  }
  return events;
}

describe("openEventFile", () => {
  test("writes version, start, numbers and pictures as TensorFlow reads them", async () => {
    const events = await openEventFile(join(root, "one"), 1);
    await events.scalars(1, { "train/loss": 1.5, "dice/Milz": 0.25, "dice/none": Number.NaN });
    await events.image(1, "pictures/case_1", { png: Uint8Array.of(1, 2, 3), width: 7, height: 5 });
    await events.flush();
    const [version, start, scalars, image, ...rest] = readEvents(await readFile(events.path));
    expect(rest).toEqual([]);
    expect(version?.[1]?.[0]).toBeGreaterThan(1.7e9); // seconds since 1970
    expect(textOf(only(version ?? {}, 3))).toBe("brain.Event:2");
    expect(start?.[2]).toEqual([1]);
    expect(fieldsOf(only(start ?? {}, 7))).toEqual({ 1: [1] });
    const values = fieldsOf(only(scalars ?? {}, 5))[1]?.map((value) => fieldsOf(value as Uint8Array));
    expect(values?.map((value) => [textOf(only(value, 1)), value[2]])).toEqual([
      ["train/loss", [1.5]],
      ["dice/Milz", [0.25]],
    ]);
    const picture = fieldsOf(only(fieldsOf(only(image ?? {}, 5)), 1));
    expect(textOf(only(picture, 1))).toBe("pictures/case_1");
    expect(fieldsOf(only(picture, 4))).toEqual({ 1: [5], 2: [7], 3: [3], 4: [Buffer.of(1, 2, 3)] });
  });

  test("begins a file for each sitting, named after the earlier ones, that purges what comes again", async () => {
    const folder = join(root, "two");
    const first = await openEventFile(folder, 1);
    for (const step of [1, 2, 3]) await first.scalars(step, { loss: step });
    await first.flush();
    const second = await openEventFile(folder, 3);
    await second.scalars(3, { loss: 30 });
    await second.scalars(2, { loss: 20 }); // training went back
    await second.flush();
    const names = (await readdir(folder)).sort().map((name) => join(folder, name));
    expect(names).toEqual([first.path, second.path]);
    const steps = readEvents(await readFile(second.path)).map((event) => [event[2]?.[0], 7 in event]);
    expect(steps).toEqual([
      [undefined, false],
      [3, true],
      [3, false],
      [2, true],
      [2, false],
    ]);
  });

  test("says what to do when it cannot write", async () => {
    await writeFile(join(root, "file"), "");
    await expect(openEventFile(join(root, "file"), 1)).rejects.toThrow(ResourceError);
    await expect(openEventFile(join(root, "file"), 1)).rejects.toThrow("leave TensorBoard out with --no-tensorboard");
  });
});
