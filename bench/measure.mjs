// What our sides of the benchmarks have in common.

/** Classes of the networks and losses that are measured, background included, and how many organs a scan annotates. */
export const CLASSES = 17;
const ANNOTATED = 4;

/** @param {readonly number[]} numbers */
export const product = (numbers) => numbers.reduce((result, number) => result * number, 1);

/** Voxels along depth, height and width from `64` or `96,128,128`. @param {string} text */
export function sizeOf(text) {
  const sizes = text.split(",").map(Number);
  return sizes.length === 3 ? sizes : [sizes[0], sizes[0], sizes[0]];
}

/**
 * Random labels, of which those of the organs that are not annotated are background.
 * @param {import("@plseg/core").Random} random @param {number} batch @param {number} voxels - Of the whole batch.
 */
export function drawTarget(random, batch, voxels) {
  const annotated = new Float32Array(batch * CLASSES);
  for (let n = 0; n < batch; n++) {
    annotated[n * CLASSES] = 1;
    const organs = random.shuffle(Array.from({ length: CLASSES - 1 }, (_, i) => i + 1));
    for (const organ of organs.slice(0, ANNOTATED)) annotated[n * CLASSES + organ] = 1;
  }
  const labels = Int32Array.from({ length: voxels }, (_, v) => {
    const label = random.integer(CLASSES);
    return annotated[Math.floor((v * batch) / voxels) * CLASSES + label] ? label : 0;
  });
  return { labels, annotated };
}

/** Prints the line of JSON that `run.mjs` reads. @param {readonly number[]} times - Milliseconds. @param {object} more */
export function report(times, more = {}) {
  const sorted = [...times].sort((a, b) => a - b);
  const line = {
    median_ms: sorted[sorted.length >> 1],
    min_ms: sorted[0],
    max_ms: sorted.at(-1),
    peak_mb: process.resourceUsage().maxRSS / 1024,
    times_ms: times,
    ...more,
  };
  console.log(JSON.stringify(line));
}
