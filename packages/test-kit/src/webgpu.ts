/** Set to 1 where WebGPU must work: tests that need it fail instead of being skipped. The gate sets it once it has a driver. */
const REQUIRE_WEBGPU = "PLSEG_REQUIRE_WEBGPU";

/**
 * Why WebGPU cannot be tested here, for `describe.skipIf`; `undefined` if it can.
 *
 * @param open - Opens something on WebGPU.
 * @throws Error if it cannot be opened and `PLSEG_REQUIRE_WEBGPU` is 1.
 */
export async function whyNoWebgpu(open: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await open();
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (process.env[REQUIRE_WEBGPU] === "1")
      throw new Error(`${REQUIRE_WEBGPU} is 1, and WebGPU does not work here: ${reason}`, { cause: error });
    process.stderr.write(`Tests on WebGPU are skipped: ${reason}\n`);
    return reason;
  }
}
