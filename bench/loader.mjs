// Part `loader-N` of `pnpm bench data`: a real training with N worker threads. How long does a step wait for its batch?
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { patchLoader, preprocessCases, writePhantomDataset } from "@plseg/data/node";
import { plSegUnet } from "@plseg/models";
import { createNodeEngine } from "@plseg/runtime/node";
import { methods, train } from "@plseg/train";
import { report } from "./measure.mjs";

/** Cases, their voxels along each axis and their spacing: bodies of 40 cm with 16 organs, of which each case annotates 4. */
const [CASES, SIDE, SPACING, ORGANS, ANNOTATED] = [3, 128, 3, 16, 4];

/**
 * Prints the line of JSON: `times_ms` are whole steps, `waited` is the part of their time in which they waited for a batch.
 * @param {{ workers: number, patchSize: readonly [number, number, number], batch: number, threads: number, steps: number, warmup: number }} options
 */
export async function measureLoader({ workers, patchSize, batch, threads, steps, warmup }) {
  const folder = await mkdtemp(join(tmpdir(), "plseg-bench-"));
  try {
    const dataset = await writePhantomDataset({
      out: join(folder, "data"),
      cases: CASES,
      size: SIDE,
      classes: ORGANS,
      annotated: ANNOTATED,
    });
    const spacing = /** @type {const} */ ([SPACING, SPACING, SPACING]);
    const cases = await preprocessCases({ dataset, cases: dataset.training, spacing, cache: join(folder, "cache") });
    const { classes } = dataset;
    const sampler = patchLoader({
      ...{ cases, patchSize, batch, workers, steps: warmup + steps },
      intensity: { level: 40, width: 400 },
      augmentation: {},
      classes: classes.names,
      foreground: 0.5,
    });
    const method = methods["pl-seg"];
    /** @type {number[]} */
    const ends = [];
    let waited = 0;
    await train({
      ...{ sampler, method, patchSize, batch },
      engine: await createNodeEngine({ threads }),
      network: plSegUnet({ classes: classes.size }),
      classes: classes.size,
      steps: warmup + steps,
      learningRate: 0.003,
      seed: 1,
      onStep(record) {
        ends.push(performance.now());
        if (record.step > warmup) waited += record.waited;
      },
    }).finally(() => sampler.close());
    const timed = ends.slice(warmup - 1);
    const times = timed.slice(1).map((end, i) => end - (timed[i] ?? end));
    report(times, { waited: waited / times.reduce((sum, time) => sum + time, 0) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
