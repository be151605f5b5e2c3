import { ResourceError } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { withoutSoftwareAdapter } from "./software-adapter.js";

const opened = async (): Promise<string> => "opened";

/** A browser whose WebGPU gives this adapter. */
const browser = (adapter: object | null) => ({ navigator: { gpu: { requestAdapter: async () => adapter } } });

describe("withoutSoftwareAdapter in Node", () => {
  const linux = (env: Record<string, string | undefined>) => ({
    process: { platform: "linux", env, versions: { node: "20.19.0" } },
  });

  test("hides software drivers while a device is opened, and only then", async () => {
    for (const before of [undefined, "*nouveau*"]) {
      const env: Record<string, string | undefined> = before === undefined ? {} : { VK_LOADER_DRIVERS_DISABLE: before };
      const during = await withoutSoftwareAdapter(async () => env.VK_LOADER_DRIVERS_DISABLE, undefined, linux(env));
      expect(during?.split(",")).toEqual([
        ...(before === undefined ? [] : [before]),
        ...["*lvp*", "*lavapipe*", "*llvmpipe*", "*swiftshader*"],
      ]);
      expect(env).toEqual(before === undefined ? {} : { VK_LOADER_DRIVERS_DISABLE: before });
    }
  });

  test("hides nothing when software is allowed, by option or by environment; the option goes first", async () => {
    const during = (env: Record<string, string | undefined>, allowed?: boolean): Promise<string | undefined> =>
      withoutSoftwareAdapter(async () => env.VK_LOADER_DRIVERS_DISABLE, allowed, linux(env));
    expect(await during({}, true)).toBeUndefined();
    expect(await during({ PLSEG_ALLOW_SOFTWARE_ADAPTER: "1" })).toBeUndefined();
    expect(await during({ PLSEG_ALLOW_SOFTWARE_ADAPTER: "1" }, false)).toContain("*lvp*");
  });

  test("puts the environment back after a failure", async () => {
    const env = {};
    const lost = withoutSoftwareAdapter(() => Promise.reject(new Error("no adapter")), undefined, linux(env));
    await expect(lost).rejects.toThrow("no adapter");
    expect(env).toEqual({});
  });
});

describe("withoutSoftwareAdapter in a browser", () => {
  test("opens on a real adapter", async () => {
    const real = browser({ info: { vendor: "nvidia", isFallbackAdapter: false } });
    expect(await withoutSoftwareAdapter(opened, undefined, real)).toBe("opened");
  });

  test("refuses a fallback adapter unless it is allowed", async () => {
    const software = browser({ info: { vendor: "google", architecture: "swiftshader", isFallbackAdapter: true } });
    const refused = withoutSoftwareAdapter(opened, undefined, software);
    await expect(refused).rejects.toThrow(ResourceError);
    await expect(refused).rejects.toThrow("is one in software (google swiftshader)");
    expect(await withoutSoftwareAdapter(opened, true, software)).toBe("opened");
  });

  test("knows a browser by what a bundler's process lacks", async () => {
    const software = browser({ info: { isFallbackAdapter: true } });
    const bundled = { ...software, process: { platform: "browser", env: {}, versions: {} } };
    await expect(withoutSoftwareAdapter(opened, undefined, bundled)).rejects.toThrow("is one in software");
  });

  test("says why there is none", async () => {
    await expect(withoutSoftwareAdapter(opened, undefined, browser(null))).rejects.toThrow("WebGPU but no adapter");
    await expect(withoutSoftwareAdapter(opened, undefined, { navigator: {} })).rejects.toThrow("has no WebGPU here");
  });
});
