import { type Affine, scalingAffine, sizeOf } from "@plseg/core";
import { cropGrid, type Grid, gridWithSpacing, type ModelGrid, resample } from "@plseg/data";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sliceAnswers } from "./slice-answers.js";

/** Probabilities of three classes that change smoothly, `[class, depth, height, width]`. */
function answer({ shape }: Grid, phase: number): Float32Array {
  const [depth, height, width] = shape;
  const voxels = sizeOf(shape);
  const all = new Float32Array(3 * voxels);
  for (let at = 0; at < voxels; at++) {
    const [z, y, x] = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width];
    const wave = Math.sin(phase + 2 * (z / depth) + 3 * (y / height)) + Math.cos(phase + 5 * (x / width));
    const [a, b] = [Math.exp(wave), Math.exp(-wave)];
    all.set([a / (a + b + 1)], at);
    all.set([b / (a + b + 1)], voxels + at);
    all.set([1 / (a + b + 1)], 2 * voxels + at);
  }
  return all;
}

function segmented(scan: Grid, model: ModelGrid, probabilities: Float32Array, soft: boolean) {
  const slices: { slice: number; values: Float32Array }[] = [];
  const onSlice = (slice: number, values: Float32Array): void => void slices.push({ slice, values: values.slice() });
  const answers = sliceAnswers({ scan, model, classes: 3, ...(soft && { onSlice }) });
  const [depth, height, width] = model.grid.shape;
  for (let z = 0; z < depth; z++) {
    const voxels = depth * height * width;
    const slice = [0, 1, 2].map((c) =>
      probabilities.subarray(c * voxels + z * height * width, c * voxels + (z + 1) * height * width),
    );
    answers.push(Float32Array.from(slice.flatMap((values) => [...values])));
  }
  return { labels: answers.finish(), slices };
}

describe("sliceAnswers", () => {
  test("takes the likeliest class of the interpolated probabilities, whatever the grids", () => {
    const size = fc.integer({ min: 3, max: 9 });
    const mm = fc.double({ min: 0.4, max: 4, noNaN: true });
    fc.assert(
      fc.property(
        fc.tuple(size, size, size),
        fc.tuple(mm, mm, mm),
        fc.double({ min: 0, max: 6, noNaN: true }),
        (shape, spacing, phase) => {
          // An oblique scan: its axes are turned about the patient's.
          const affine: Affine = [0.8, -0.6, 0, 5, 0.6, 0.8, 0, 6, 0, 0, 1.5, 7, 0, 0, 0, 1];
          const scan: Grid = { shape, affine };
          const box = { origin: [1, 0, 1] as const, shape: [shape[0] - 2, shape[1] - 1, shape[2] - 1] as const };
          const cropped = cropGrid(scan, box);
          const grid = gridWithSpacing(cropped, spacing);
          const probabilities = answer(grid, phase);
          const { labels, slices } = segmented(scan, { box, cropped, grid }, probabilities, true);
          expect(segmented(scan, { box, cropped, grid }, probabilities, false).labels).toEqual(labels);
          expect(slices.map(({ slice }) => slice)).toEqual(Array.from({ length: shape[0] }, (_, z) => z));

          const voxels = sizeOf(grid.shape);
          const expected = [0, 1, 2].map(
            (c) =>
              resample({ ...grid, data: probabilities.subarray(c * voxels, (c + 1) * voxels) }, cropped, {
                antialias: false,
              }).data,
          );
          const [depth, height, width] = box.shape;
          for (let at = 0; at < depth * height * width; at++) {
            const [z, y, x] = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width];
            const inSlice = (y + box.origin[1]) * shape[2] + x + box.origin[2];
            const values = [0, 1, 2].map((c) => slices[z + 1]?.values[c * shape[1] * shape[2] + inSlice] ?? Number.NaN);
            for (const c of [0, 1, 2]) expect(values[c]).toBeCloseTo(expected[c]?.[at] ?? Number.NaN, 5);
            const label = labels[(z + box.origin[0]) * shape[1] * shape[2] + inSlice] ?? -1;
            expect(values[label]).toBe(Math.max(...values));
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test("is background beyond the part that the network saw", () => {
    const scan: Grid = { shape: [4, 3, 3], affine: scalingAffine([1, 1, 1]) };
    const box = { origin: [1, 1, 1] as const, shape: [2, 1, 1] as const };
    const cropped = cropGrid(scan, box);
    const { labels, slices } = segmented(
      scan,
      { box, cropped, grid: cropped },
      Float32Array.of(0, 0, 1, 0, 0, 1),
      true,
    );
    expect([...labels.entries()].filter(([, label]) => label > 0)).toEqual([
      [13, 1],
      [22, 2],
    ]);
    expect([...(slices[0]?.values.subarray(0, 9) ?? [])]).toEqual(new Array(9).fill(1));
    expect([...(slices[3]?.values.subarray(9) ?? [])]).toEqual(new Array(18).fill(0));
    expect([...(slices[1]?.values.subarray(0, 9) ?? [])]).toEqual([1, 1, 1, 1, 0, 1, 1, 1, 1]);
  });
});
