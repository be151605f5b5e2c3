import { ConfigError, ResourceError } from "@plseg/core";
import type { InferenceSession, InferenceSessionFactory, Tensor, TensorConstructor } from "onnxruntime-common";
import { inTurn } from "./in-turn.js";
import { withoutSoftwareAdapter } from "./software-adapter.js";

/** ONNX Runtime, as `onnxruntime-node` and `onnxruntime-web` export it. */
export interface OnnxRuntime {
  /** Loads graphs. */
  readonly InferenceSession: InferenceSessionFactory;
  /** Makes tensors. */
  readonly Tensor: TensorConstructor;
  /** What it knows of its surroundings. */
  readonly env?: { readonly webgpu?: object; readonly wasm?: { numThreads?: number } };
}

/** Where ONNX Runtime computes. `wasm` is the CPU in a browser. */
export type Device = "cpu" | "cuda" | "webgpu" | "wasm";

/** What ONNX Runtime is to run on. */
export interface OnnxOptions {
  /** The module `onnxruntime-node`, or in a browser `onnxruntime-web/webgpu`, `/jspi` or `/wasm`. */
  readonly ort: OnnxRuntime;
  /** `cpu` unless told. */
  readonly device?: Device;
  /**
   * CPU threads; as many as ONNX Runtime thinks best unless told. In a browser all sessions of a page or worker share those
   * that the first one asked for, and there is one unless the page is cross-origin isolated.
   */
  readonly threads?: number;
  /** Bytes that compiled functions may need; what would need more is refused before it is loaded. */
  readonly memoryLimit?: number;
  /**
   * On WebGPU: take an adapter that computes in software, for tests. Unless told, the environment variable
   * `PLSEG_ALLOW_SOFTWARE_ADAPTER=1` decides.
   */
  readonly allowSoftwareAdapter?: boolean;
  /** On WebGPU: let the CPU compute what the provider lacks, copying back and forth. Otherwise it is an error. */
  readonly allowCpuFallback?: boolean;
}

/** How a graph is loaded, beside where. */
export interface SessionOptions {
  /** Outputs that stay on a WebGPU device; others are copied to the CPU at once. */
  readonly resident?: readonly string[];
  /**
   * On the CPU: keep memory between runs and within them in an arena. Faster where large tensors are made anew at every step
   * of a training; takes more than it has to where they are small.
   */
  readonly arena?: boolean;
}

/** A graph that is loaded and ready to run. */
export interface OnnxSession {
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}

/**
 * Loads an ONNX graph. On WebGPU every load, run and release of the process waits for the one before: ONNX Runtime freezes or
 * fails when they overlap.
 *
 * @throws ResourceError if ONNX Runtime cannot load the graph on the device; ConfigError if this build of it must not be used.
 */
export async function openSession(
  options: OnnxOptions,
  model: Uint8Array,
  { resident = [], arena = true }: SessionOptions = {},
): Promise<OnnxSession> {
  const { ort, device = "cpu", threads, allowSoftwareAdapter } = options;
  askForWebThreads(ort, threads);
  const load = (): Promise<InferenceSession> =>
    ort.InferenceSession.create(model, {
      ...(device === "webgpu" ? webgpuOptions(options, resident) : { executionProviders: [device] }),
      graphOptimizationLevel: "all",
      // planned memory patterns take nearly twice the memory of a training step and save no time
      enableMemPattern: false,
      enableCpuMemArena: arena,
      logSeverityLevel: 3,
      ...(threads !== undefined && { intraOpNumThreads: threads }),
    }).catch((cause: unknown) => {
      throw loadError(device, cause);
    });
  if (device !== "webgpu") {
    const session = await load();
    return { run: (feeds) => session.run(feeds) as Promise<Record<string, Tensor>>, release: () => session.release() };
  }
  const session = await inTurn(async () => {
    const opened = await withoutSoftwareAdapter(load, allowSoftwareAdapter).catch((cause: unknown) => {
      throw isOldWebBuild(ort) ? oldWebBuildError() : cause;
    });
    if (!isOldWebBuild(ort)) return opened;
    await opened.release();
    throw oldWebBuildError();
  });
  return {
    run: (feeds) => inTurn(() => session.run(feeds)) as Promise<Record<string, Tensor>>,
    release: () => inTurn(() => session.release()),
  };
}

/** Settings of onnxruntime-web whose threads were asked for. */
const askedFor = new WeakSet<object>();

/**
 * Tells onnxruntime-web how many threads to start. It heeds no session's own number, only this one, and only before its first
 * session; afterwards it says there how many there are.
 */
function askForWebThreads({ env }: OnnxRuntime, threads: number | undefined): void {
  if (!env?.wasm || askedFor.has(env.wasm)) return;
  askedFor.add(env.wasm);
  if (threads !== undefined) env.wasm.numThreads = threads;
}

function webgpuOptions(
  { allowCpuFallback = false }: OnnxOptions,
  resident: readonly string[],
): InferenceSession.SessionOptions {
  return {
    // the default layout, NHWC, gains nothing for 3-D and costs transposes
    executionProviders: [{ name: "webgpu", preferredLayout: "NCHW" }],
    preferredOutputLocation: Object.fromEntries(resident.map((name) => [name, "gpu-buffer"])),
    ...(!allowCpuFallback && { extra: { session: { disable_cpu_ep_fallback: "1" } } }),
  };
}

/**
 * Whether this is a build of onnxruntime-web with the old WebGPU provider (JSEP): it locks the device that it shows, the
 * new one does not. Known only once it was asked for a session.
 */
function isOldWebBuild({ env }: OnnxRuntime): boolean {
  return Object.getOwnPropertyDescriptor(env?.webgpu ?? {}, "device")?.writable === false;
}

const oldWebBuildError = (): ConfigError =>
  new ConfigError(
    'openSession: this build of onnxruntime-web computes some 3-D operations wrongly on WebGPU. Import "onnxruntime-web/webgpu" or "onnxruntime-web/jspi", not "onnxruntime-web" itself.',
  );

/** What ONNX Runtime's message means, and what can be done. */
function loadError(device: Device, cause: unknown): ResourceError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = message.replace(/^\/.* was false\. /s, "").trim(); // the place in ONNX Runtime's own source
  const says = (text: string): boolean => reason.includes(text);
  const advice = says("assigned to the default CPU EP")
    ? " An operation of it is missing on WebGPU. Write the function without it, or pass allowCpuFallback: true."
    : says("WebGPU adapter") || says("GPU adapter")
      ? " There is no GPU that WebGPU can use; adapters in software are left out unless allowSoftwareAdapter is true. `plseg doctor --device webgpu` says more."
      : device === "cuda"
        ? " `plseg doctor --device cuda` says what is missing."
        : "";
  return new ResourceError(`openSession: ONNX Runtime could not load the graph on ${device}: ${reason}${advice}`, {
    cause,
  });
}
