import { type Affine, type LabelMap, Random, type Size3D, scalingAffine, sizeOf } from "@plseg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Grid } from "./affine.js";
import { gridWithSpacing } from "./grid-with-spacing.js";
import { resample } from "./resample.js";
import { resampleLabels } from "./resample-labels.js";

const affine = scalingAffine([1, 1, 1]);

const line = (...labels: readonly number[]): LabelMap => ({
  data: Uint8Array.from(labels),
  shape: [1, 1, labels.length],
  affine,
});

const random = (shape: Size3D, seed: number, classes = 4): LabelMap => {
  const draw = new Random(seed);
  return { data: Uint8Array.from({ length: sizeOf(shape) }, () => draw.integer(classes)), shape, affine };
};

/** One volume with `labels` at some voxels. */
const dots = (shape: Size3D, dotted: (z: number, y: number, x: number) => boolean): LabelMap => {
  const [, height, width] = shape;
  const at = (i: number): boolean =>
    dotted(Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width);
  return { data: Uint8Array.from({ length: sizeOf(shape) }, (_, i) => (at(i) ? 1 : 0)), shape, affine };
};

const count = ({ data }: LabelMap): number => [...data].filter((label) => label === 1).length;

describe("resampleLabels", () => {
  test("gives each voxel a label of which no other class's interpolated indicator is larger", () => {
    const spacing = fc.tuple(...[1, 2, 3].map(() => fc.double({ min: 0.4, max: 4, noNaN: true }))) as fc.Arbitrary<
      [number, number, number]
    >;
    fc.assert(
      fc.property(spacing, fc.integer(), (mm, seed) => {
        const map = random([4, 5, 6], seed);
        const target = gridWithSpacing(map, mm);
        const indicators = [0, 1, 2, 3].map((label) => {
          const data = Float32Array.from(map.data, (value) => (value === label ? 1 : 0));
          return resample({ ...map, data }, target).data;
        });
        for (const [i, label] of resampleLabels(map, target).data.entries()) {
          const weights = indicators.map((weight) => weight[i] as number);
          expect(weights[label]).toBeGreaterThan(Math.max(...weights) - 1e-5);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("leaves no hole where several classes meet and none has half of the weight", () => {
    const map: LabelMap = { data: Uint8Array.of(1, 2, 3, 4), shape: [1, 2, 2], affine };
    const between: Grid = { shape: [1, 1, 1], affine: [1, 0, 0, 0.55, 0, 1, 0, 0.6, 0, 0, 1, 0, 0, 0, 0, 1] };
    // Weights: 1 has 0.45 · 0.4 = 0.18, 2 has 0.55 · 0.4 = 0.22, 3 has 0.45 · 0.6 = 0.27, 4 has 0.55 · 0.6 = 0.33.
    expect(resampleLabels(map, between).data).toEqual(Uint8Array.of(4));
    expect(resampleLabels({ ...map, data: Uint8Array.of(1, 1, 3, 4) }, between).data).toEqual(Uint8Array.of(1)); // 0.40
  });

  test("breaks ties by the nearest voxel, so that borders stay where they are on average", () => {
    const coarser = (map: LabelMap): number[] => [...resampleLabels(map, gridWithSpacing(map, [1, 1, 2])).data];
    expect(coarser(line(0, 0, 0, 1, 1, 1, 1, 1))).toEqual([0, 1, 1, 1]);
    expect(coarser(line(1, 1, 1, 1, 1, 0, 0, 0))).toEqual([1, 1, 0, 0]);
  });

  test("is the map itself on its own grid, and turns with it", () => {
    const map = random([3, 4, 5], 3);
    expect(resampleLabels(map, map)).toEqual(map);
    const flipped: Grid = { shape: map.shape, affine: [-1, 0, 0, 4, 0, 1, 0, 0, 0, 0, -1, 2, 0, 0, 0, 1] };
    const there = resampleLabels(map, flipped);
    expect(there.data[0]).toBe(map.data[(2 * 4 + 0) * 5 + 4]);
    expect(resampleLabels(there, map)).toEqual(map);
  });

  test("going to a finer grid and back changes few voxels, and only at the surface", () => {
    const radius = (z: number, y: number, x: number): number => Math.hypot(z - 8, y - 8, x - 8);
    const ball = dots([17, 17, 17], (...at) => radius(...at) <= 6);
    const back = resampleLabels(resampleLabels(ball, gridWithSpacing(ball, [1 / 3, 1 / 3, 1 / 3])), ball);
    const changed = [...ball.data.keys()].filter((i) => ball.data[i] !== back.data[i]);
    expect(changed.length).toBeLessThan(0.03 * count(ball));
    for (const i of changed)
      expect(Math.abs(radius(Math.floor(i / 289), Math.floor(i / 17) % 17, i % 17) - 6)).toBeLessThan(1);
  });

  test("on a grid twice as fine planes and rods of one voxel stay, single voxels go", () => {
    const finer = (map: LabelMap): number => count(resampleLabels(map, gridWithSpacing(map, [0.5, 0.5, 0.5])));
    expect(finer(dots([3, 3, 3], (z) => z === 1))).toBe(2 * 6 * 6);
    expect(finer(dots([3, 3, 3], (z, y) => z === 1 && y === 1))).toBe(2 * 2 * 6);
    expect(finer(dots([3, 3, 3], (z, y, x) => z === 1 && y === 1 && x === 1))).toBe(0);
    // Three times as fine, one of the new voxels lies on the center.
    const third = dots([3, 3, 3], (z, y, x) => z === 1 && y === 1 && x === 1);
    expect(count(resampleLabels(third, gridWithSpacing(third, [1 / 3, 1 / 3, 1 / 3])))).toBeGreaterThan(0);
  });

  test("on a grid twice as coarse a plane of one voxel goes, one of two stays", () => {
    const coarser = (map: LabelMap): number => count(resampleLabels(map, gridWithSpacing(map, [2, 2, 2])));
    expect(coarser(dots([8, 8, 8], (z) => z === 3))).toBe(0);
    expect(coarser(dots([8, 8, 8], (z) => z === 2 || z === 3))).toBe(16);
  });

  test("takes uint16 labels, leaves background outside, and interpolates between oblique grids", () => {
    const map: LabelMap = { data: new Uint16Array(125).fill(300), shape: [5, 5, 5], affine };
    const oblique: Affine = [0.8, -0.6, 0, 2, 0.6, 0.8, 0, 1, 0, 0, 1, 2, 0, 0, 0, 1];
    const { data } = resampleLabels(map, { shape: [4, 2, 2], affine: oblique });
    expect(data).toEqual(Uint16Array.of(...Array(12).fill(300), 0, 0, 0, 0)); // slices 2, 3, 4, 5 of 0 to 4
  });
});
