import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type GpuFacts, gpuFacts, whyNoGpu } from "./gpu-facts.js";

const roots: string[] = [];
afterEach(() => Promise.all(roots.splice(0).map((root) => rm(root, { recursive: true }))));

/** A file system with these files. */
async function system(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "plseg-gpu-"));
  roots.push(root);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

const NVIDIA = {
  "/sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n",
  "/sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
};
const NETWORK = {
  "/sys/bus/pci/devices/0000:00:03.0/class": "0x020000\n",
  "/sys/bus/pci/devices/0000:00:03.0/vendor": "0x8086\n",
};
const DRIVER = {
  "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  Tue Sep 23\n",
};

/** What is found in a file system, and why CUDA and WebGPU find no GPU there. */
async function diagnosed(files: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv = {}) {
  const facts = gpuFacts(await system(files), env, "linux") as GpuFacts;
  return { facts, cuda: whyNoGpu(facts, "cuda"), webgpu: whyNoGpu(facts, "webgpu") };
}

describe("gpuFacts and whyNoGpu", () => {
  test("tell a machine without a GPU", async () => {
    const { facts, cuda, webgpu } = await diagnosed({
      ...NETWORK,
      "/usr/lib64/libvulkan.so.1": "",
      "/usr/share/vulkan/icd.d/lvp_icd.json": "{}",
      "/usr/share/vulkan/icd.d/radeon_icd.json": "{}",
    });
    expect(facts).toEqual({
      devices: [],
      nvidiaDriver: undefined,
      nvidiaFiles: false,
      renderNodes: [],
      vulkanLoader: true,
      vulkanDrivers: { hardware: ["radeon_icd.json"], software: ["lvp_icd.json"] },
    });
    expect(cuda).toEqual([
      "There is no GPU on the PCI bus of this machine. A virtual machine sees one only if it was given one.",
    ]);
    expect(webgpu[1]).toMatch(/^Vulkan drivers in software were left out/);
  });

  test("tell an NVIDIA GPU without its driver", async () => {
    const { cuda, webgpu } = await diagnosed(NVIDIA);
    expect(cuda).toEqual([expect.stringContaining("its kernel driver is not loaded")]);
    expect(webgpu).toEqual([...cuda, expect.stringContaining("The Vulkan loader is not installed")]);
  });

  test("tell a container that was not given the GPU", async () => {
    const { facts, cuda } = await diagnosed({ ...NVIDIA, ...DRIVER });
    expect(facts.nvidiaDriver).toBe("580.95.05");
    expect(cuda).toEqual([expect.stringContaining("Start the container with `--gpus all`.")]);
  });

  test("tell a container that was given CUDA alone", async () => {
    const files = { ...NVIDIA, ...DRIVER, "/dev/nvidiactl": "", "/usr/lib64/libvulkan.so.1": "" };
    const { cuda, webgpu } = await diagnosed(files);
    expect(cuda).toEqual([]);
    expect(webgpu).toEqual([expect.stringContaining("NVIDIA_DRIVER_CAPABILITIES=all")]);
  });

  test("tell that CUDA wants another maker's GPU", async () => {
    const amd = { ...NVIDIA, "/sys/bus/pci/devices/0000:01:00.0/vendor": "0x1002\n" };
    expect((await diagnosed(amd)).cuda).toEqual(["CUDA needs an NVIDIA GPU; here is one of AMD."]);
  });

  test("read the drivers that the environment names", async () => {
    const env = { VK_ICD_FILENAMES: "/opt/vk_swiftshader_icd.json" };
    expect((await diagnosed({}, env)).facts.vulkanDrivers.software).toEqual(["vk_swiftshader_icd.json"]);
  });

  test("say nothing that they cannot see on other systems", () => {
    expect(gpuFacts("/", {}, "darwin")).toBeUndefined();
    expect(whyNoGpu(undefined, "webgpu")).toEqual([]);
    expect(whyNoGpu(undefined, "cuda")).toEqual(["CUDA through ONNX Runtime for Node exists on 64-bit Linux only."]);
  });
});
