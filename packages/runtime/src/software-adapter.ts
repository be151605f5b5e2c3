import { ResourceError } from "@plseg/core";

/** What this module needs to know of the place where it runs. */
interface Surroundings {
  readonly process?: {
    readonly platform?: string;
    readonly env?: Record<string, string | undefined>;
    readonly versions?: { readonly node?: string };
  };
  readonly navigator?: { readonly gpu?: { requestAdapter(options: object): Promise<GpuAdapter | null> } };
}

interface GpuAdapter {
  readonly info?: { readonly isFallbackAdapter?: boolean; readonly vendor?: string; readonly architecture?: string };
  readonly isFallbackAdapter?: boolean;
}

/** Set to 1, it allows WebGPU on a software adapter wherever the option `allowSoftwareAdapter` is not given. */
const ALLOW_SOFTWARE_ADAPTER = "PLSEG_ALLOW_SOFTWARE_ADAPTER";

/** Vulkan drivers that compute on the CPU, by the names of their manifests. */
const SOFTWARE_DRIVERS = "*lvp*,*lavapipe*,*llvmpipe*,*swiftshader*";

/** By which the Vulkan loader (1.3.234 and newer) leaves drivers out. */
const DRIVERS_DISABLE = "VK_LOADER_DRIVERS_DISABLE";

/**
 * Runs what opens a WebGPU device so that it does not get a software adapter, which is many times slower than the CPU
 * provider. In browsers the adapter is asked what it is; in Node on Linux the Vulkan loader is told to leave software
 * drivers out. On other systems nothing can be asked, and nothing is done.
 *
 * @throws ResourceError if the browser has no WebGPU adapter, or only a software one.
 */
export async function withoutSoftwareAdapter<T>(
  open: () => Promise<T>,
  allowed: boolean | undefined,
  surroundings: Surroundings = globalThis as Surroundings,
): Promise<T> {
  const env = surroundings.process?.env;
  if (allowed ?? env?.[ALLOW_SOFTWARE_ADAPTER] === "1") return open();
  const isNode = surroundings.process?.versions?.node !== undefined; // bundlers give pages a `process`, too
  if (isNode && env && surroundings.process?.platform === "linux") return withoutDrivers(open, env);
  if (!isNode && surroundings.navigator) await checkAdapter(surroundings.navigator.gpu);
  return open();
}

async function withoutDrivers<T>(open: () => Promise<T>, env: Record<string, string | undefined>): Promise<T> {
  const before = env[DRIVERS_DISABLE];
  env[DRIVERS_DISABLE] = before ? `${before},${SOFTWARE_DRIVERS}` : SOFTWARE_DRIVERS;
  try {
    return await open();
  } finally {
    if (before === undefined) delete env[DRIVERS_DISABLE];
    else env[DRIVERS_DISABLE] = before;
  }
}

async function checkAdapter(gpu: NonNullable<Surroundings["navigator"]>["gpu"]): Promise<void> {
  if (!gpu)
    throw new ResourceError(
      "openSession: this browser has no WebGPU here. It needs a page served by HTTPS or from localhost, and a browser that has WebGPU switched on. Use the device wasm.",
    );
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter)
    throw new ResourceError(
      "openSession: this browser has WebGPU but no adapter: the graphics driver is missing, too old, or on the browser's block list (chrome://gpu says which). Use the device wasm.",
    );
  if (!(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter)) return;
  const name = [adapter.info?.vendor, adapter.info?.architecture].filter(Boolean).join(" ") || "unnamed";
  throw new ResourceError(
    `openSession: the only WebGPU adapter is one in software (${name}), much slower than the device wasm. Use wasm, or pass allowSoftwareAdapter: true to test.`,
  );
}
