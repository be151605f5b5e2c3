import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, delimiter, join } from "node:path";

/** What Linux shows of GPUs and their drivers. */
export interface GpuFacts {
  /** Devices on the PCI bus that draw or compute, by maker. */
  readonly devices: readonly string[];
  /** Version of NVIDIA's kernel driver, if it is loaded. */
  readonly nvidiaDriver: string | undefined;
  /** Whether NVIDIA's device files are here; in a container they are only if it was started so. */
  readonly nvidiaFiles: boolean;
  /** Device files through which Mesa's drivers work, and whether this user may open each. */
  readonly renderNodes: readonly { readonly path: string; readonly open: boolean }[];
  /** Whether the Vulkan loader is installed. */
  readonly vulkanLoader: boolean;
  /** Vulkan drivers by the names of their manifests, those in software apart. */
  readonly vulkanDrivers: { readonly hardware: readonly string[]; readonly software: readonly string[] };
}

const MAKERS: Readonly<Record<string, string>> = { "0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel" };

/** PCI classes: display controllers, and accelerators without a display. */
const GPU_CLASS = /^0x(03|12)/;
const SOFTWARE = /lvp|lavapipe|llvmpipe|swiftshader/i;
const LOADER_FOLDERS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64"];
const MANIFEST_FOLDERS = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/**
 * Looks at what Linux shows of GPUs; `undefined` on other systems. Nothing is run.
 *
 * @param root - Where the file system begins; for tests.
 */
export function gpuFacts(
  root = "/",
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): GpuFacts | undefined {
  if (platform !== "linux") return undefined;
  const at = (...parts: string[]): string => join(root, ...parts);
  const manifests = vulkanManifests(at, env);
  return {
    devices: listed(at("/sys/bus/pci/devices")).flatMap((device) => {
      if (!GPU_CLASS.test(read(join(device, "class")))) return [];
      const vendor = read(join(device, "vendor"));
      return [MAKERS[vendor] ?? `maker ${vendor}`];
    }),
    nvidiaDriver: /Module\D*([\d.]+)/.exec(read(at("/proc/driver/nvidia/version")))?.[1],
    nvidiaFiles: existsSync(at("/dev/nvidiactl")),
    renderNodes: listed(at("/dev/dri"))
      .filter((path) => basename(path).startsWith("renderD"))
      .map((path) => ({ path, open: mayOpen(path) })),
    vulkanLoader: LOADER_FOLDERS.some((folder) => existsSync(at(folder, "libvulkan.so.1"))),
    vulkanDrivers: {
      hardware: manifests.filter((name) => !SOFTWARE.test(name)),
      software: manifests.filter((name) => SOFTWARE.test(name)),
    },
  };
}

/** Why a GPU cannot be used with CUDA or through WebGPU here, as far as can be seen; the likeliest first. */
export function whyNoGpu(facts: GpuFacts | undefined, device: "cuda" | "webgpu"): string[] {
  if (!facts) return device === "cuda" ? ["CUDA through ONNX Runtime for Node exists on 64-bit Linux only."] : [];
  const { devices, nvidiaDriver, nvidiaFiles, renderNodes, vulkanLoader, vulkanDrivers } = facts;
  const nvidia = devices.includes("NVIDIA");
  const reasons: string[] = [];
  if (devices.length === 0 && !nvidiaFiles)
    reasons.push(
      "There is no GPU on the PCI bus of this machine. A virtual machine sees one only if it was given one.",
    );
  if (nvidia && !nvidiaDriver)
    reasons.push("There is an NVIDIA GPU, but its kernel driver is not loaded. Install NVIDIA's driver and restart.");
  if (nvidiaDriver && !nvidiaFiles)
    reasons.push(
      `NVIDIA's driver ${nvidiaDriver} is loaded, but its device files are not here. Start the container with \`--gpus all\`.`,
    );
  if (device === "cuda") {
    if (!nvidia && devices.length > 0)
      reasons.push(`CUDA needs an NVIDIA GPU; here is one of ${devices.join(" and ")}.`);
    return reasons;
  }
  if (!vulkanLoader) reasons.push("The Vulkan loader is not installed (Debian: apt-get install libvulkan1).");
  if (nvidiaFiles && !vulkanDrivers.hardware.some((name) => name.includes("nvidia")))
    reasons.push(
      "NVIDIA's Vulkan driver is not listed (nvidia_icd.json). In a container set NVIDIA_DRIVER_CAPABILITIES=all.",
    );
  const closed = renderNodes.filter(({ open }) => !open).map(({ path }) => path);
  if (closed.length > 0)
    reasons.push(`This user may not open ${closed.join(", ")}. Add it to the group that owns it (often \`render\`).`);
  if (devices.length > 0 && !nvidia && renderNodes.length === 0)
    reasons.push("The GPU's kernel driver is not loaded: there is no /dev/dri/renderD*.");
  if (vulkanDrivers.software.length > 0)
    reasons.push(
      "Vulkan drivers in software were left out: they are slower than the device cpu. PLSEG_ALLOW_SOFTWARE_ADAPTER=1 takes them, for tests.",
    );
  return reasons;
}

/** Names of the manifests that the Vulkan loader would read. */
function vulkanManifests(at: (...parts: string[]) => string, env: NodeJS.ProcessEnv): string[] {
  const given = env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES;
  const files = given ? given.split(delimiter) : MANIFEST_FOLDERS.flatMap((folder) => listed(at(folder)));
  return files.map((file) => basename(file)).filter((name) => name.endsWith(".json"));
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

function mayOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
