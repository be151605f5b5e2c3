import "@tensorflow/tfjs-backend-cpu";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, cpus, freemem, platform, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { createEngine, type Device, type Engine } from "@plseg/runtime";
import { importTfjsNode, type TfjsNodePackage } from "@plseg/runtime/node";
import { env, setBackend } from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import { type GpuFacts, gpuFacts, whyNoGpu } from "./gpu-facts.js";
import { largestRelativeDifference, type StepNumbers, selfCheck } from "./self-check.js";
import { installedVersion, versions } from "./versions.js";

/** One way to compute, and whether it computes right. */
export interface EngineDiagnosis {
  readonly engine: string;
  /** `missing`: not installed, or not on this machine. */
  readonly status: "pass" | "fail" | "missing";
  /** Largest difference to TensorFlow.js on the CPU, relative to the largest number; `null` if it did not run. */
  readonly difference: number | null;
  /** What went wrong and why, and how to get what is missing. */
  readonly notes: readonly string[];
}

/** What a machine can do. */
export interface Diagnosis {
  readonly machine: {
    readonly node: string;
    readonly platform: string;
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGb: number;
    readonly freeMemoryGb: number;
    /** What Linux shows of GPUs; `null` on other systems. */
    readonly gpu: GpuFacts | null;
  };
  readonly versions: Readonly<Record<string, string>>;
  /** Execution providers that ONNX Runtime has here. */
  readonly providers: readonly string[];
  readonly engines: readonly EngineDiagnosis[];
  /** Whether everything that is there computes right, and the device asked for is among it. */
  readonly ok: boolean;
}

/** Largest relative difference that passes: single precision, sums in another order. */
const TOLERANCE = 1e-4;

/** The same with CUDA, whose convolutions round their factors to 10 bits (TF32) on newer GPUs. */
const CUDA_TOLERANCE = 5e-3;

const CUDA_HINT =
  "ONNX Runtime's CUDA provider is not in its npm package: the package's install script downloads it from nuget.org (64-bit Linux, CUDA 12 and cuDNN 9), and package managers skip such scripts unless told. Run `npm rebuild onnxruntime-node`, or `pnpm approve-builds` and choose onnxruntime-node.";
const CUDA_LIBRARIES_HINT =
  "The provider needs the libraries of CUDA 12 and cuDNN 9 where the loader finds them: install them from NVIDIA and add their folders to LD_LIBRARY_PATH.";
const WEBGPU_HINT =
  "This build of ONNX Runtime has no WebGPU: on Linux it exists for 64-bit Intel and AMD processors only.";
const TFJS_NODE_HINT: Readonly<Record<TfjsNodePackage, string>> = {
  "@tensorflow/tfjs-node":
    "Optional: `npm install @tensorflow/tfjs-node`. Its install script downloads TensorFlow 2.9.1. Where it cannot, or for a newer TensorFlow: `npm install @tensorflow/tfjs-node --ignore-scripts`, then `plseg doctor --link-libtensorflow DIR`.",
  "@tensorflow/tfjs-node-gpu":
    "Optional: `npm install @tensorflow/tfjs-node-gpu` (64-bit Linux, CUDA 11.2 and cuDNN 8.1, no GPU newer than Ampere). For a newer CUDA: `npm install @tensorflow/tfjs-node-gpu --ignore-scripts`, then `plseg doctor --link-libtensorflow DIR`.",
};

/**
 * Finds out what this machine can do, and checks each engine with numbers: two steps of a small training against
 * TensorFlow.js on the CPU.
 *
 * @param device - A device that must work for the diagnosis to be good, besides the CPU.
 */
export async function diagnose({ device = "cpu" }: { readonly device?: Device } = {}): Promise<Diagnosis> {
  env().set("PROD", true); // or tfjs recommends its other packages at length
  await setBackend("cpu");
  const facts = gpuFacts();
  const providers = installedProviders();
  const expected = await selfCheck(createEngine({ engine: "tfjs" }));
  const engines: EngineDiagnosis[] = [
    { engine: "tfjs (cpu)", status: "pass", difference: 0, notes: ["the yardstick"] },
  ];
  engines.push(await check("compiled (cpu)", expected, async () => createEngine({ ort })));
  // a provider that is there but has no device writes to stderr when it is asked
  engines.push(
    providers.includes("cuda") ? await checkProvider("cuda", expected, facts) : missing("cuda", [CUDA_HINT], facts),
  );
  if (!providers.includes("webgpu")) engines.push(missing("webgpu", [WEBGPU_HINT], facts));
  else if (device === "webgpu" || hasGpu(facts)) engines.push(await checkProvider("webgpu", expected, facts));
  else engines.push(missing("webgpu", [], facts));
  for (const name of ["@tensorflow/tfjs-node", "@tensorflow/tfjs-node-gpu"] as const)
    engines.push(await checkTfjsNode(name, expected));
  await setBackend("cpu");
  const gigabytes = (bytes: number): number => Math.round((bytes / 2 ** 30) * 10) / 10;
  const needed = engines.find(({ engine }) => engine === `compiled (${device})`);
  return {
    machine: {
      node: process.versions.node,
      platform: `${platform()} ${arch()}`,
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: cpus().length,
      memoryGb: gigabytes(totalmem()),
      freeMemoryGb: gigabytes(freemem()),
      gpu: facts ?? null,
    },
    versions: { ...versions(), ...optionalVersions() },
    providers,
    engines,
    ok: needed?.status === "pass" && engines.every(({ status }) => status !== "fail"),
  };
}

async function check(
  engine: string,
  expected: StepNumbers,
  open: () => Promise<Engine>,
  tolerance = TOLERANCE,
): Promise<EngineDiagnosis> {
  try {
    const difference = largestRelativeDifference(await selfCheck(await open()), expected);
    if (difference <= tolerance) return { engine, status: "pass", difference, notes: [] };
    const wrong = `differs from TensorFlow.js on the CPU by more than ${tolerance}. Do not trust its results.`;
    return { engine, status: "fail", difference, notes: [wrong] };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { engine, status: "fail", difference: null, notes: [message] };
  }
}

async function checkProvider(
  device: "cuda" | "webgpu",
  expected: StepNumbers,
  facts: GpuFacts | undefined,
): Promise<EngineDiagnosis> {
  const tolerance = device === "cuda" ? CUDA_TOLERANCE : TOLERANCE;
  const found = await check(`compiled (${device})`, expected, async () => createEngine({ ort, device }), tolerance);
  if (found.status === "pass" || found.difference !== null) return found;
  return missing(device, device === "cuda" ? [...found.notes, CUDA_LIBRARIES_HINT] : found.notes, facts);
}

const missing = (
  device: "cuda" | "webgpu",
  notes: readonly string[],
  facts: GpuFacts | undefined,
): EngineDiagnosis => ({
  engine: `compiled (${device})`,
  status: "missing",
  difference: null,
  notes: [...whyNoGpu(facts, device), ...notes],
});

/** Whether it is worth to look for an adapter; elsewhere than on Linux nothing can be said. */
const hasGpu = (facts: GpuFacts | undefined): boolean => !facts || facts.devices.length > 0 || facts.nvidiaFiles;

const require = createRequire(import.meta.url);

/** The providers built into ONNX Runtime, and those whose libraries lie beside it. */
function installedProviders(): string[] {
  const files = readdirSync(join(dirname(require.resolve("onnxruntime-node/package.json")), "bin"), {
    recursive: true,
  });
  return ort
    .listSupportedBackends()
    .filter(({ name, bundled }) => bundled || files.some((file) => String(file).includes(`providers_${name}`)))
    .map(({ name }) => name);
}

async function checkTfjsNode(name: TfjsNodePackage, expected: StepNumbers): Promise<EngineDiagnosis> {
  const engine = name.replace("@tensorflow/", "");
  if (installedVersion(name) === undefined)
    return { engine, status: "missing", difference: null, notes: [TFJS_NODE_HINT[name]] };
  const tolerance = name === "@tensorflow/tfjs-node-gpu" ? CUDA_TOLERANCE : TOLERANCE;
  const found = await check(engine, expected, () => openTfjsNode(name), tolerance);
  return found.status === "fail" && found.difference === null
    ? { ...found, notes: [...found.notes, TFJS_NODE_HINT[name]] }
    : found;
}

async function openTfjsNode(name: TfjsNodePackage): Promise<Engine> {
  await importTfjsNode(name);
  if (!(await setBackend("tensorflow"))) throw new Error(`${name} is loaded, but its backend does not start.`);
  return createEngine({ engine: "tfjs" });
}

/** Versions of the optional packages that are installed here. */
function optionalVersions(): Record<string, string> {
  const names = ["@tensorflow/tfjs-node", "@tensorflow/tfjs-node-gpu", "onnxruntime-web"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const version = installedVersion(name);
      return version === undefined ? [] : [[name, version]];
    }),
  );
}
