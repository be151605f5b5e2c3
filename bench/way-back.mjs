// `pnpm --filter @plseg/bench way-back`: how well does a label map survive the way to a network's grid and back?
//
// A phantom's truth goes to grids that are coarser by a factor, as the shares of the classes in each voxel: what a network that
// makes no mistake would give there. Three ways back are scored on the truth's own grid by the mean Dice over organs.
import { sizeOf } from "@plseg/core";
import { gridWithSpacing, makePhantom, resample, resampleLabels } from "@plseg/data";
import { dice } from "@plseg/metrics";
import { sliceAnswers } from "@plseg/runtime";

const [SIZE, CLASSES, SEEDS, FACTORS] = [96, 7, [1, 2, 3], [1.5, 2, 3]];

for (const factor of FACTORS) {
  /** @type {Record<string, number[]>} */
  const scores = { probabilities: [], labels: [], nearest: [] };
  for (const seed of SEEDS) {
    const { labels: truth } = makePhantom({ size: SIZE, seed });
    const spacing = gridSpacing(truth.affine).map((mm) => mm * factor);
    const grid = gridWithSpacing(truth, /** @type {[number, number, number]} */ (spacing));
    const shares = Array.from({ length: CLASSES }, (_, c) => {
      return resample({ ...truth, data: Float32Array.from(truth.data, (label) => Number(label === c)) }, grid).data;
    });
    const coarse = { ...grid, data: Uint8Array.from(shares[0] ?? [], (_, at) => largest(shares, at)) };
    scores.probabilities?.push(meanDice(throughSlices(shares, truth, grid), truth.data));
    scores.labels?.push(meanDice(resampleLabels(coarse, truth).data, truth.data));
    scores.nearest?.push(meanDice(nearest(coarse, truth), truth.data));
  }
  const means = Object.entries(scores).map(([way, values]) => [way, values.reduce((a, b) => a + b) / values.length]);
  console.log(JSON.stringify({ factor, phantoms: SEEDS.length, size: SIZE, dice: Object.fromEntries(means) }));
}

/** @param {import("@plseg/core").Affine} affine */
function gridSpacing(affine) {
  return [2, 1, 0].map((column) => Math.hypot(...[0, 4, 8].map((row) => affine[row + column] ?? 0)));
}

/** @param {Float32Array[]} shares @param {number} at */
function largest(shares, at) {
  return shares.reduce((best, share, c) => ((share[at] ?? 0) > (shares[best]?.[at] ?? 0) ? c : best), 0);
}

/** @param {Float32Array[]} shares @param {import("@plseg/data").Grid} scan @param {import("@plseg/data").Grid} grid */
function throughSlices(shares, scan, grid) {
  const box = { origin: /** @type {const} */ ([0, 0, 0]), shape: scan.shape };
  const answers = sliceAnswers({ scan, model: { box, cropped: scan, grid }, classes: CLASSES });
  const area = grid.shape[1] * grid.shape[2];
  for (let z = 0; z < grid.shape[0]; z++) {
    const slice = new Float32Array(CLASSES * area);
    for (const [c, share] of shares.entries()) slice.set(share.subarray(z * area, (z + 1) * area), c * area);
    answers.push(slice);
  }
  return answers.finish();
}

/** @param {import("@plseg/core").LabelMap} map @param {import("@plseg/data").Grid} grid */
function nearest(map, grid) {
  const [, height, width] = grid.shape;
  const place = (/** @type {number} */ at, /** @type {0 | 1 | 2} */ axis) => {
    const scaled = ((at + 0.5) * (map.shape[axis] ?? 1)) / (grid.shape[axis] ?? 1);
    return Math.min((map.shape[axis] ?? 1) - 1, Math.floor(scaled));
  };
  return Uint8Array.from({ length: sizeOf(grid.shape) }, (_, at) => {
    const [z, y, x] = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width];
    return map.data[(place(z, 0) * map.shape[1] + place(y, 1)) * map.shape[2] + place(x, 2)] ?? 0;
  });
}

/** @param {Uint8Array | Uint16Array} prediction @param {Uint8Array | Uint16Array} truth */
function meanDice(prediction, truth) {
  const scores = Array.from({ length: CLASSES - 1 }, (_, c) =>
    dice(
      prediction.map((label) => Number(label === c + 1)),
      truth.map((label) => Number(label === c + 1)),
    ),
  ).filter((score) => score !== null && Number.isFinite(score));
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
