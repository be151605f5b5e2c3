// The worker threads of `patchLoader`: each takes the number of a patch, and gives the patch or what went wrong.
import { parentPort, workerData } from "node:worker_threads";
import { type CachedSampling, cachedSampler } from "./cached-sampler.js";
import type { PatchAnswer, PatchTask } from "./patch-workers.js";

const sampler = cachedSampler(workerData as CachedSampling);

parentPort?.on("message", ({ step, n }: PatchTask) => {
  const answer = ((): PatchAnswer => {
    try {
      return { patch: sampler.patch(step, n) };
    } catch (error) {
      const { message, code = "", stack = "" } = error as NodeJS.ErrnoException;
      return { error: { message, code, stack } };
    }
  })();
  const { patch } = answer;
  parentPort?.postMessage(answer, patch ? [patch.image.buffer as ArrayBuffer, patch.labels.buffer as ArrayBuffer] : []);
});
