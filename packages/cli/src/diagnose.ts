import "@tensorflow/tfjs-backend-cpu";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, cpus, freemem, platform, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { valueAndGradients } from "@plseg/ops";
import { createEngine, type Device, type Engine, type EngineArray, type TensorFunction } from "@plseg/runtime";
import {
  conv3d,
  env,
  getBackend,
  leakyRelu,
  mean,
  mul,
  type Scalar,
  setBackend,
  type Tensor5D,
} from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import { versions } from "./versions.js";

/** One way to compute, and whether it computes right. */
export interface EngineDiagnosis {
  readonly engine: string;
  /** `missing`: not installed, or not on this machine. */
  readonly status: "pass" | "fail" | "missing";
  /** Largest difference to TensorFlow.js on the CPU, relative to the largest number; `null` if it did not run. */
  readonly difference: number | null;
  /** What went wrong or how to get it. */
  readonly note: string;
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

/** How to get a provider of ONNX Runtime. */
const PROVIDER_HINTS = {
  cuda: "optional: its libraries are downloaded by the install script of onnxruntime-node, which package managers skip unless told. Run `pnpm approve-builds` and choose onnxruntime-node, or with npm `npm rebuild onnxruntime-node`. It needs 64-bit Linux, CUDA 12 or newer and cuDNN 9.",
  webgpu: "this build of ONNX Runtime has no WebGPU for this platform",
} as const;
const TFJS_NODE_HINT =
  "optional: `npm install @tensorflow/tfjs-node` (Node below 23; its install script downloads the TensorFlow library)";
const TFJS_NODE_GPU_HINT =
  "optional: `npm install @tensorflow/tfjs-node-gpu` (64-bit Linux, Node below 23, CUDA 11.2 and cuDNN 8.1)";

/**
 * Finds out what this machine can do, and checks each engine with numbers: a small convolution and its gradient against
 * TensorFlow.js on the CPU.
 *
 * @param device - A device that must work for the diagnosis to be good, besides the CPU.
 */
export async function diagnose({ device = "cpu" }: { readonly device?: Device } = {}): Promise<Diagnosis> {
  env().set("PROD", true); // or tfjs recommends its other packages at length
  await setBackend("cpu");
  const expected = await answer(createEngine({ engine: "tfjs" }));
  const providers = installedProviders();
  const engines: EngineDiagnosis[] = [{ engine: "tfjs (cpu)", status: "pass", difference: 0, note: "the yardstick" }];
  engines.push(await check("compiled (cpu)", expected, async () => createEngine({ ort })));
  engines.push(await checkProvider("cuda", providers, expected));
  if (device === "webgpu") engines.push(await checkProvider("webgpu", providers, expected));
  engines.push(await checkTfjsNode("@tensorflow/tfjs-node", TFJS_NODE_HINT, expected));
  engines.push(await checkTfjsNode("@tensorflow/tfjs-node-gpu", TFJS_NODE_GPU_HINT, expected));
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
    },
    versions: versions(),
    providers,
    engines,
    ok: needed?.status === "pass" && engines.every(({ status }) => status !== "fail"),
  };
}

const SIZE = 6;
const IN = 2;
const OUT = 3;

/** Mean of the squared activations of a convolution, and its gradients. */
const selfCheck: TensorFunction<"image" | "kernel"> = ({ image, kernel }) => {
  const [x, w] = [image as Tensor5D, kernel as Tensor5D];
  const { value, gradients } = valueAndGradients(() => {
    const h = leakyRelu(conv3d(x, w, 1, "same"), 0.01);
    return { value: mean(mul(h, h)) as Scalar, aux: {} };
  }, [x, w]);
  const [imageGradient, kernelGradient] = gradients;
  return { value, ...(imageGradient && { imageGradient }), ...(kernelGradient && { kernelGradient }) };
};

/** What an engine makes of the self-check, as one list of numbers. */
async function answer(engine: Engine): Promise<number[]> {
  const image = { shape: [1, SIZE, SIZE, SIZE, IN] };
  const kernel = { shape: [3, 3, 3, IN, OUT] };
  const compiled = await engine.compile(selfCheck, { image, kernel });
  try {
    const outputs = await compiled.run({ image: waves(SIZE ** 3 * IN, 0.37), kernel: waves(27 * IN * OUT, 0.71) });
    const numbers: EngineArray[] = [];
    for (const name of ["value", "imageGradient", "kernelGradient"]) {
      const output = outputs[name];
      if (!output) throw new Error(`the self-check has no output "${name}"`);
      numbers.push(await output.read());
      output.dispose();
    }
    return numbers.flatMap((list) => [...list]);
  } finally {
    await compiled.dispose();
  }
}

/** Numbers without pattern that are the same everywhere. */
const waves = (count: number, frequency: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(frequency * i * i + i));

async function check(
  engine: string,
  expected: readonly number[],
  open: () => Promise<Engine>,
): Promise<EngineDiagnosis> {
  try {
    const actual = await answer(await open());
    const largest = Math.max(...expected.map(Math.abs));
    const difference = Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] ?? Number.NaN)))) / largest;
    const right = difference <= TOLERANCE;
    const note = right
      ? ""
      : `differs from TensorFlow.js on the CPU by more than ${TOLERANCE}. Do not trust its results.`;
    return { engine, status: right ? "pass" : "fail", difference, note };
  } catch (error) {
    return { engine, status: "fail", difference: null, note: error instanceof Error ? error.message : String(error) };
  }
}

async function checkProvider(
  device: "cuda" | "webgpu",
  providers: readonly string[],
  expected: readonly number[],
): Promise<EngineDiagnosis> {
  const engine = `compiled (${device})`;
  // Asking for a provider that is not there makes ONNX Runtime write to stderr.
  if (!providers.includes(device)) return { engine, status: "missing", difference: null, note: PROVIDER_HINTS[device] };
  const found = await check(engine, expected, async () => createEngine({ ort, device }));
  return found.status === "fail" && found.difference === null ? { ...found, status: "missing" } : found;
}

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

async function checkTfjsNode(name: string, hint: string, expected: readonly number[]): Promise<EngineDiagnosis> {
  const engine = name === "@tensorflow/tfjs-node" ? "tfjs-node" : "tfjs-node-gpu";
  try {
    require.resolve(name);
  } catch {
    return { engine, status: "missing", difference: null, note: hint };
  }
  return check(engine, expected, async () => {
    await import(name);
    if (!(await setBackend("tensorflow"))) throw new Error(`${name} did not start, the backend is ${getBackend()}`);
    return createEngine({ engine: "tfjs" });
  });
}
