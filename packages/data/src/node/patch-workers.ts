import { once } from "node:events";
import { type ResourceLimits, Worker } from "node:worker_threads";
import { DataError, PlsegError, ResourceError } from "@plseg/core";
import type { SampledPatch } from "../patch-sampler.js";
import type { CachedSampling } from "./cached-sampler.js";

/** Which patch a worker is to draw. */
export interface PatchTask {
  /** Of the training, from 0. */
  readonly step: number;
  /** Which patch of the step's batch. */
  readonly n: number;
}

/** What a worker gives back. */
export type PatchAnswer =
  | { readonly patch: SampledPatch; readonly error?: undefined }
  | { readonly error: DrawError; readonly patch?: undefined };

/** An error, as it goes from thread to thread: structured cloning would drop its code. */
interface DrawError {
  readonly message: string;
  readonly code: string;
  readonly stack: string;
}

interface Job extends PatchTask {
  readonly resolve: (patch: SampledPatch) => void;
  readonly reject: (cause: Error) => void;
}

/** Threads that draw patches. */
export interface PatchWorkers {
  /** Draws a patch. Tasks are begun in the order given. @throws PlsegError with the true cause if it cannot be drawn. */
  draw(task: PatchTask): Promise<SampledPatch>;
  /** Ends the threads. What is still to be drawn is rejected. */
  close(): Promise<void>;
}

/** Beside this file, in the package as in its source. */
const WORKER = new URL(import.meta.url.endsWith(".ts") ? "./patch-worker.ts" : "./patch-worker.js", import.meta.url);

/**
 * Starts threads that draw patches of these cases.
 *
 * @param nameOf - The case of a task, for messages.
 * @param limits - Of the memory of each thread, as Node takes them.
 */
export function startPatchWorkers(
  count: number,
  sampling: CachedSampling,
  nameOf: (task: PatchTask) => string,
  limits?: ResourceLimits,
): PatchWorkers {
  const waiting: Job[] = [];
  let failure: Error | undefined;

  const fail = (cause: Error, job?: Job): void => {
    failure ??= cause;
    job?.reject(failure);
    for (const other of waiting.splice(0)) other.reject(failure);
  };
  const threads = Array.from({ length: count }, () => {
    const worker = new Worker(WORKER, { workerData: sampling, ...(limits && { resourceLimits: limits }) });
    let current: Job | undefined;
    const next = (): void => {
      current = waiting.shift();
      if (current) worker.postMessage({ step: current.step, n: current.n } satisfies PatchTask);
    };
    const ended = (reason: string, cause?: unknown): void => {
      const where = current ? ` while it drew a patch of case ${nameOf(current)} (step ${current.step + 1})` : "";
      fail(endError(`${where}: ${reason}`, cause), current);
      current = undefined;
    };
    worker.on("message", (answer: PatchAnswer) => {
      const job = current;
      next();
      if (answer.patch) job?.resolve(answer.patch);
      else if (job) job.reject(drawError(answer.error, nameOf(job)));
    });
    worker.on("error", (cause) => ended(cause.message, cause));
    worker.on("messageerror", (cause) => ended(cause.message, cause));
    worker.on("exit", (code) => ended(`the thread ended with exit code ${code}`));
    return { worker, isIdle: () => current === undefined, next };
  });

  return {
    draw: (task) =>
      new Promise((resolve, reject) => {
        if (failure) return reject(failure);
        waiting.push({ ...task, resolve, reject });
        threads.find(({ isIdle }) => isIdle())?.next();
      }),
    async close() {
      failure ??= new PlsegError("patchLoader: it was closed, and draws no more patches.");
      for (const job of waiting.splice(0)) job.reject(failure);
      await Promise.all(
        threads.map(async ({ worker }) => {
          if (worker.threadId === -1) return;
          const exit = once(worker, "exit");
          await worker.terminate();
          await exit;
        }),
      );
    },
  };
}

/** Why a thread ended, with what can be done about it. */
function endError(what: string, cause: unknown): PlsegError {
  const message = `patchLoader: a worker thread ended${what}.`;
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  if (code === "ERR_WORKER_OUT_OF_MEMORY")
    return new ResourceError(`${message} Choose fewer workers, a smaller patch, or no workers (workers: 0).`, {
      cause,
    });
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND")
    return new DataError(
      `${message} The file ${WORKER.pathname} belongs beside the code of @plseg/data: do not bundle this package, or do without workers (workers: 0).`,
      { cause },
    );
  return new PlsegError(message, { cause });
}

function drawError({ message, code, stack }: DrawError, id: string): PlsegError {
  if (code === "ERR_DATA") return new DataError(message, { cause: stack });
  return new PlsegError(`patchLoader: a patch of case ${id} could not be drawn: ${message}`, { cause: stack });
}
