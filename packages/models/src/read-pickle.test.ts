import { DataError } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { type PickleValue, readPickle } from "./read-pickle.js";

const rules = {
  globals: new Map([["allowed.name", { kind: "function", call: (args: readonly PickleValue[]) => args }]]),
  persistent: (id: PickleValue) => [id],
};

/** Reads a pickle written as text, `\x..` for bytes. */
const read = (text: string): PickleValue =>
  readPickle(
    Uint8Array.from(text, (c) => c.charCodeAt(0)),
    0,
    rules,
  ).value;

describe("readPickle", () => {
  test.each<[what: string, pickle: string, value: unknown]>([
    ["numbers", "\x80\x02K\x07.", 7],
    ["negative numbers", "\x80\x02J\xfe\xff\xff\xff.", -2],
    ["long numbers", "\x80\x02\x8a\x02\x00\xff.", -256],
    ["longer numbers", "\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01.", 2n ** 64n],
    ["halves", "\x80\x02G?\xe0\x00\x00\x00\x00\x00\x00.", 0.5],
    ["tuples in lists", "\x80\x02](K\x01\x88N\x86e.", [1, [true, null]]],
    [
      "dictionaries",
      "\x80\x02}(X\x01\x00\x00\x00aK\x01\x8c\x01bK\x02u.",
      new Map([
        ["a", 1],
        ["b", 2],
      ]),
    ],
    ["what was remembered", "\x80\x02K\x04q\x00h\x00\x86.", [4, 4]],
    ["allowed names", "\x80\x02callowed\nname\nK\x05\x85R.", [5]],
    [
      "allowed names of protocol 4",
      "\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c\x07allowed\x8c\x04name\x93\x94)R.",
      [],
    ],
    ["persistent ids", "\x80\x02K\x03Q.", [3]],
  ])("reads %s", (_, pickle, value) => {
    expect(read(pickle)).toEqual(value);
  });

  test.each([
    ["cos\nsystem\n(X\x02\x00\x00\x00lstR.", '"os.system"'],
    ["c__builtin__\neval\n.", '"__builtin__.eval"'],
    ["\x8c\x02os\x8c\x06system\x93.", '"os.system"'],
    ["callowed\nname.system\n.", '"allowed.name.system"'],
  ])("refuses a name that is not allowed: %j", (pickle, name) => {
    expect(() => read(`\x80\x02${pickle}`)).toThrow(`the file wants to use ${name}`);
  });

  test.each([
    ["an operation that weights do not need", "(K\x01ios\nsystem\n.", "operation 0x69"],
    ["a call of what cannot be called", "K\x01)R.", "what is called cannot be called"],
    ["a call without arguments", "callowed\nname\nR.", "lacks its values"],
    ["an end in the middle", "X\xff\xff\xff\xffa", "it ends in the middle of an operation"],
    ["no end", "K\x01", "it ends in the middle of an operation"],
    ["a value before it is there", "h\x05.", "used before it is there"],
    ["items without a mark", "}u.", "lacks its mark"],
    ["items of a number", "K\x01(K\x01K\x02u.", "what is no dictionary"],
    ["text that is not UTF-8", "X\x01\x00\x00\x00\xff.", "not UTF-8"],
    ["a name without an end", "cos", "a name has no end"],
    ["protocol 9", "\x80\x09.", "protocol 9 is not known"],
  ])("refuses %s", (_, pickle, message) => {
    expect(() => read(`\x80\x02${pickle}`)).toThrow(DataError);
    expect(() => read(`\x80\x02${pickle}`)).toThrow(message);
  });
});
