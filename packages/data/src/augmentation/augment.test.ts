import { ClassSet, Random, type Size3D, sizeOf } from "@plseg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { augment } from "./augment.js";
import { AUGMENTATION_DEFAULTS, type AugmentationOptions } from "./augmentation-options.js";
import { drawAugmentation } from "./draw-augmentation.js";
import type { Patch } from "./patch.js";
import { sourceSize } from "./source-size.js";

/** Only these transforms act, always. */
function always(options: AugmentationOptions): AugmentationOptions {
  const all = Object.keys(AUGMENTATION_DEFAULTS).map((name) => {
    const chosen = options[name as keyof AugmentationOptions];
    return [name, chosen ? { probability: 1, ...chosen } : { probability: name === "flip" ? [0, 0, 0] : 0 }];
  });
  return Object.fromEntries(all);
}

const NOTHING = always({});
const SPATIAL: readonly (readonly [string, AugmentationOptions])[] = [
  ["a flip", { flip: { probability: [1, 1, 0] } }],
  ["rotation", { rotate: { degrees: 40 } }],
  ["scaling", { scale: { factor: [0.6, 1.6] } }],
  ["elastic deformation", { elastic: { amplitude: 6, grid: 16 } }],
  ["all of them", { flip: { probability: [0.5, 0.5, 0] }, rotate: {}, scale: {}, elastic: {} }],
];

/** Smooth blobs of the classes 1 to 3 in air. */
function blobs(shape: Size3D, spacing: Size3D, seed: number): Patch {
  const random = new Random(seed);
  const centers = [1, 2, 3, 1, 2, 3].map((label) => ({
    label,
    at: shape.map((n) => random.uniform(0.2 * n, 0.8 * n)),
    radius: random.uniform(3, 6),
  }));
  const labels = new Int32Array(sizeOf(shape));
  const [, height, width] = shape;
  for (let i = 0; i < labels.length; i++) {
    const place = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    for (const { label, at, radius } of centers)
      if (Math.hypot(...place.map((p, axis) => p - (at[axis] ?? 0))) < radius) labels[i] = label;
  }
  return { image: new Float32Array(labels.length).fill(-1), labels, shape, spacing };
}

describe("augment", () => {
  test.each(SPATIAL)("keeps image and labels together under %s", (_, transforms) => {
    const spacings = fc.constantFrom<Size3D>([1, 1, 1], [3, 1.5, 1.5], [5, 1, 1]);
    fc.assert(
      fc.property(fc.integer(), spacings, (seed, spacing) => {
        const source = blobs([20, 22, 24], spacing, seed);
        const options = { ...always(transforms), patchSize: [16, 16, 16] as const };
        // Each image shows where one class is; interpolated, it says which part of a voxel is that class.
        const patches = [1, 2, 3].map((label) => {
          const image = Float32Array.from(source.labels, (l) => (l === label ? 1 : -1));
          return augment({ ...source, image }, new Random(seed), options);
        });
        const labels = patches[0]?.labels ?? [];
        for (const [i, label] of labels.entries()) {
          const parts = patches.map(({ image }) => ((image[i] ?? 0) + 1) / 2);
          const all = [1 - parts.reduce((sum, part) => sum + part, 0), ...parts];
          expect(all[label]).toBeGreaterThan(Math.max(...all) - 1e-5);
        }
        expect(new Set(labels).size).toBeGreaterThan(1);
      }),
      { numRuns: 10 },
    );
  });

  test("gives the middle of the patch, voxel by voxel, where nothing acts", () => {
    const image = Float32Array.from({ length: 5 * 6 * 7 }, (_, i) => i / 210);
    const labels = Int32Array.from({ length: 210 }, (_, i) => i);
    const source: Patch = { image, labels, shape: [5, 6, 7], spacing: [2, 0.7, 0.7] };
    const patch = augment(source, new Random(1), { ...NOTHING, patchSize: [3, 3, 4] });
    // Margins (5 − 3) / 2 = 1, ⌊(6 − 3) / 2⌋ = 1, ⌊(7 − 4) / 2⌋ = 1.
    const first = (1 * 6 + 1) * 7 + 1;
    expect([...patch.labels.subarray(0, 8)]).toEqual([0, 1, 2, 3, 7, 8, 9, 10].map((step) => first + step));
    expect(patch.image).toEqual(Float32Array.from(patch.labels, (i) => i / 210));
  });

  test("is exact where transforms act with strength 0", () => {
    const source = blobs([12, 13, 14], [3, 0.8, 0.7], 5);
    const noisy = { ...source, image: Float32Array.from(source.labels, (_, i) => Math.sin(i)) };
    const still = always({
      rotate: { degrees: 0 },
      scale: { factor: [1, 1] },
      elastic: { amplitude: 0, grid: 20 },
      noise: { deviation: [0, 0] },
      blur: { sigma: [0, 0] },
      brightness: { factor: [1, 1] },
      contrast: { factor: [1, 1] },
      lowResolution: { zoom: [1, 1] },
      gamma: { exponent: [1, 1] },
      invertedGamma: { exponent: [1, 1] },
    });
    const patch = augment(noisy, new Random(3), { ...still, patchSize: [12, 13, 14] });
    expect(patch.image).toEqual(noisy.image);
    expect(patch.labels).toEqual(source.labels);
  });

  test("flips exactly, and exchanges left and right organs", () => {
    const labels = Int32Array.from([0, 1, 3, 255]);
    const source: Patch = { image: Float32Array.from([-1, 0, 0.5, 1]), labels, shape: [1, 1, 4], spacing: [1, 1, 1] };
    const options = {
      ...always({ flip: { probability: [0, 0, 1] } }),
      patchSize: [1, 1, 4] as const,
      classes: new ClassSet(["background", "left_kidney", "liver", "right_kidney"]),
    };
    const both = augment(source, new Random(1), { ...options, annotated: [true, true, false, true] });
    expect([...both.image]).toEqual([1, 0.5, 0, -1]);
    expect([...both.labels]).toEqual([255, 1, 3, 0]);
    // Where one of the two is annotated, a flip would change which: such a patch stays as it is.
    expect(augment(source, new Random(1), { ...options, annotated: [true, true, true, false] }).labels).toEqual(labels);
  });

  test("is the same for a seed, and another for another", () => {
    const source = blobs([24, 24, 24], [1, 1, 1], 2);
    const every = always({ rotate: {}, scale: {}, elastic: {}, noise: { deviation: [0.1, 0.1] }, blur: {}, gamma: {} });
    const draw = (seed: number) => augment(source, new Random(seed), { ...every, patchSize: [16, 16, 16] });
    expect(draw(7)).toEqual(draw(7));
    expect(draw(8).image).not.toEqual(draw(7).image);
    expect(source).toEqual(blobs([24, 24, 24], [1, 1, 1], 2));
  });

  test("stays in [-1, 1] and keeps the labels under changes of the image alone", () => {
    const source = blobs([16, 16, 16], [1, 1, 1], 4);
    const image = Float32Array.from(source.labels, (l, i) => l / 2 - 0.6 + 0.3 * Math.sin(i));
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const intensity = always({
          noise: {},
          blur: {},
          brightness: {},
          contrast: {},
          lowResolution: {},
          gamma: {},
          invertedGamma: {},
        });
        const patch = augment({ ...source, image }, new Random(seed), { ...intensity, patchSize: [16, 16, 16] });
        expect(patch.labels).toEqual(source.labels);
        expect(patch.image.every((value) => value >= -1 && value <= 1)).toBe(true);
        expect(patch.image).not.toEqual(image);
      }),
      { numRuns: 20 },
    );
  });

  test("shows no border with the source that it asks for, and needs at most sourceSize", () => {
    const wild = {
      rotate: { degrees: 45 },
      scale: { factor: [0.6, 1.5] as const },
      elastic: { amplitude: 5, grid: 16 },
    };
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom<Size3D>([1, 1, 1], [2, 1, 1], [4, 1, 1], [1, 1, 4]),
        fc.constantFrom<Size3D>([10, 10, 10], [4, 9, 12]),
        (seed, spacing, patchSize) => {
          const options = { ...always(wild), patchSize };
          const { sourceSize: needed } = drawAugmentation(new Random(seed), { ...options, spacing });
          const bound = sourceSize(patchSize, { ...always(wild), spacing });
          for (const axis of [0, 1, 2] as const) expect(needed[axis]).toBeLessThanOrEqual(bound[axis]);
          const voxels = sizeOf(needed);
          const inside = { image: new Float32Array(voxels).fill(1), labels: new Int32Array(voxels).fill(1) };
          const patch = augment({ ...inside, shape: needed, spacing }, new Random(seed), options);
          expect(patch.labels.every((label) => label === 1)).toBe(true);
          expect(Math.min(...patch.image)).toBeGreaterThan(1 - 1e-4);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("reads no more than the patch where nothing moves", () => {
    expect(sourceSize([32, 40, 48], { ...NOTHING, spacing: [3, 1, 1] })).toEqual([32, 40, 48]);
  });

  test("continues a patch that is too small with air", () => {
    const source: Patch = {
      image: new Float32Array(8).fill(0.5),
      labels: new Int32Array(8).fill(2),
      shape: [2, 2, 2],
      spacing: [1, 1, 1],
    };
    for (const options of [NOTHING, always({ rotate: { degrees: 0 } })]) {
      const patch = augment(source, new Random(1), { ...options, patchSize: [4, 4, 4] });
      expect(patch.labels.filter((label) => label === 2)).toHaveLength(8);
      expect(patch.labels[(1 * 4 + 1) * 4 + 1]).toBe(2);
      for (const [i, label] of patch.labels.entries()) expect(patch.image[i]).toBe(label === 2 ? 0.5 : -1);
    }
  });

  test("says which voxels are missing", () => {
    const source: Patch = {
      image: new Float32Array(7),
      labels: new Int32Array(8),
      shape: [2, 2, 2],
      spacing: [1, 1, 1],
    };
    expect(() => augment(source, new Random(1), { patchSize: [2, 2, 2] })).toThrow(
      "augment: image and labels must have 8 voxels [2, 2, 2], got 7 and 8.",
    );
  });
});
