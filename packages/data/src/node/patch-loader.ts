import type { ResourceLimits } from "node:worker_threads";
import { ConfigError } from "@plseg/core";
import { type Batch, joinPatches, PATCH_SAMPLER_DEFAULTS } from "../patch-sampler.js";
import { type CachedSampling, cachedSampler } from "./cached-sampler.js";
import { startPatchWorkers } from "./patch-workers.js";

/** How many threads draw, and how far ahead. */
export interface PatchLoading {
  /** Threads that draw patches. 0: the thread that asks for a batch draws it. */
  readonly workers?: number;
  /** Batches that are drawn beyond the one asked for. With it memory is bounded: so many batches wait at most. */
  readonly ahead?: number;
}

/** Options of {@link patchLoader}. */
export interface PatchLoaderOptions extends CachedSampling, PatchLoading {
  /** Steps of the training: no batch is drawn beyond them. */
  readonly steps?: number;
  /** Of the memory of each thread, as Node takes them. */
  readonly resourceLimits?: ResourceLimits;
}

/** What {@link patchLoader} uses where an option is missing. */
export const PATCH_LOADER_DEFAULTS: Required<PatchLoading> = { workers: 2, ahead: 2 };

/** Batches drawn ahead of time, made by {@link patchLoader}. */
export interface PatchLoader {
  /**
   * The batch of a step, the same that `patchSampler` gives, whatever the number of workers. Batches of the next steps are
   * drawn meanwhile.
   *
   * @throws PlsegError naming the case if a patch cannot be drawn, or why a thread ended.
   */
  sample(step: number): Promise<Batch>;
  /** Ends the threads. */
  close(): Promise<void>;
}

/**
 * Draws patches of preprocessed cases in threads of their own, ahead of time, so that a training never waits for data.
 *
 * @throws ConfigError if an option is out of range; ResourceError if a batch cannot be held in memory.
 */
export function patchLoader(options: PatchLoaderOptions): PatchLoader {
  const { workers, ahead, steps, resourceLimits, ...sampling } = { ...PATCH_LOADER_DEFAULTS, ...options };
  const { batch = PATCH_SAMPLER_DEFAULTS.batch } = sampling;
  const last = (steps ?? Number.POSITIVE_INFINITY) - 1;
  for (const [name, value] of Object.entries({ workers, ahead }))
    if (!(Number.isInteger(value) && value >= 0))
      throw new ConfigError(`patchLoader: ${name} must be a whole number of at least 0, got ${value}.`);
  const sampler = cachedSampler(sampling);
  if (workers === 0) return { sample: async (step) => sampler.sample(step), close: async () => {} };

  const threads = startPatchWorkers(workers, sampling, ({ step, n }) => sampler.source(step, n).id, resourceLimits);
  const drawn = new Map<number, Promise<Batch>>();
  const begin = (step: number): Promise<Batch> => {
    const patches = Array.from({ length: batch }, (_, n) => threads.draw({ step, n }));
    const joined = Promise.all(patches).then(joinPatches);
    joined.catch(() => {}); // whoever asks for the batch learns of it
    drawn.set(step, joined);
    return joined;
  };
  return {
    async sample(step) {
      const wanted = drawn.get(step) ?? begin(step);
      for (const known of drawn.keys()) if (known <= step) drawn.delete(known);
      for (let next = step + 1; next <= Math.min(step + ahead, last); next++) if (!drawn.has(next)) begin(next);
      return wanted;
    },
    close: () => threads.close(),
  };
}
