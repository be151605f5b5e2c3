import { afterEach, describe, expect, test, vi } from "vitest";
import { sha256 } from "./sha256.js";

afterEach(() => vi.unstubAllGlobals());

describe("sha256", () => {
  test("matches the vector of FIPS 180-4", async () => {
    const bytes = new TextEncoder().encode("xabcx").subarray(1, 4);
    expect(await sha256(bytes)).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  test("says what to do where there is no Web Crypto", async () => {
    vi.stubGlobal("crypto", {});
    await expect(sha256(new Uint8Array())).rejects.toThrow("Serve it by HTTPS");
  });
});
