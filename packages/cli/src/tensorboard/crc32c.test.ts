import { describe, expect, test } from "vitest";
import { crc32c } from "./crc32c.js";

describe("crc32c", () => {
  test.each([
    ["nothing", new Uint8Array(0), 0],
    ["123456789, the catalog's check value", new TextEncoder().encode("123456789"), 0xe3069283],
    ["32 zeros (RFC 3720, B.4)", new Uint8Array(32), 0x8a9136aa],
    ["32 ones (RFC 3720, B.4)", new Uint8Array(32).fill(255), 0x62a8ab43],
    ["0 to 31 (RFC 3720, B.4)", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ])("of %s", (_, bytes, expected) => expect(crc32c(bytes)).toBe(expected));
});
