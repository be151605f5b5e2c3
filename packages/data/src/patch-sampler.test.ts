import { Random, type Size3D } from "@plseg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AUGMENTATION_DEFAULTS } from "./augmentation/augmentation-options.js";
import { patchSampler } from "./patch-sampler.js";
import type { SampledCase } from "./patch-source.js";

/** A scan whose voxels hold their own index, so that a patch tells where it was taken. */
function scan(
  id: string,
  shape: Size3D,
  annotated: readonly boolean[],
  labels: readonly (readonly [number, number])[] = [],
): SampledCase {
  const voxels = shape[0] * shape[1] * shape[2];
  const map = new Uint8Array(voxels);
  for (const [at, label] of labels) map[at] = label;
  return { id, image: Float32Array.from({ length: voxels }, (_, i) => i), labels: map, shape, annotated };
}

const two = [true, true, false];

describe("patchSampler", () => {
  test("copies the voxels at the origin that it names, padded with air and background", () => {
    const size = fc.integer({ min: 1, max: 7 });
    fc.assert(
      fc.property(fc.tuple(size, size, size), fc.tuple(size, size, size), fc.nat(1000), (shape, patchSize, step) => {
        const source = scan("a", shape, two, [[0, 1]]);
        const { image, labels, sources } = patchSampler({ cases: [source], patchSize, foreground: 0.5 }).sample(step);
        const [{ origin } = { origin: [0, 0, 0] as const }] = sources;
        let [inside, expected] = [0, 1];
        for (const axis of [0, 1, 2] as const) expected *= Math.min(shape[axis], patchSize[axis]);
        for (const [i, value] of image.entries()) {
          const [, h, w] = patchSize;
          const at = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w].map((p, axis) => p + (origin[axis] ?? 0));
          const [z = 0, y = 0, x = 0] = at;
          const within = z >= 0 && z < shape[0] && y >= 0 && y < shape[1] && x >= 0 && x < shape[2];
          if (within) inside++;
          const voxel = (z * shape[1] + y) * shape[2] + x;
          expect(value).toBe(within ? voxel : -1);
          expect(labels[i]).toBe(within && voxel === 0 ? 1 : 0);
        }
        expect(inside).toBe(expected);
      }),
    );
  });

  test("depends on seed and step only", () => {
    const cases = ["a", "b", "c"].map((id) => scan(id, [9, 9, 9], two, [[300, 1]]));
    const make = (seed: number) => patchSampler({ cases, patchSize: [4, 4, 4], batch: 2, seed });
    const sampler = make(7);
    const later = sampler.sample(5);
    for (let step = 0; step < 5; step++) sampler.sample(step);
    expect(sampler.sample(5)).toEqual(later);
    expect(make(7).sample(5)).toEqual(later);
    expect(make(8).sample(5)).not.toEqual(later);
    expect(sampler.sample(6)).not.toEqual(later);
  });

  test("draws each case once a round", () => {
    const cases = ["a", "b", "c", "d"].map((id) => scan(id, [4, 4, 4], two));
    const sampler = patchSampler({ cases, patchSize: [2, 2, 2], batch: 2, foreground: 0 });
    for (let round = 0; round < 5; round++) {
      const ids = [0, 1].flatMap((step) => sampler.sample(2 * round + step).sources.map(({ id }) => id));
      expect(ids.sort()).toEqual(["a", "b", "c", "d"]);
    }
  });

  test("gives a small class its turn as often as a large one, and an unannotated class none", () => {
    const labels = Array.from({ length: 500 }, (_, i) => [i, 1] as const);
    const source = scan("a", [20, 20, 20], [true, true, true, false], [...labels, [4210, 2], [7999, 3]]);
    const sampler = patchSampler({ cases: [source], patchSize: [4, 4, 4], foreground: 1 });
    const counts = [0, 0, 0, 0];
    for (let step = 0; step < 40; step++)
      for (const [label, seen] of sampler.sample(step).seen.entries()) counts[label] = (counts[label] ?? 0) + seen;
    expect(counts.slice(1)).toEqual([20, 20, 0]); // too far from each other for one patch
  });

  test("gives a class that one case of many annotates its turn, once in each round of classes", () => {
    const common = Array.from({ length: 9 }, (_, i) => scan(`common ${i}`, [8, 8, 8], [true, true, false], [[0, 1]]));
    const cases = [...common, scan("rare", [8, 8, 8], [true, false, true], [[0, 2]])];
    const sampler = patchSampler({ cases, patchSize: [2, 2, 2], batch: 2, foreground: 0.5 });
    const seen = [0, 0, 0];
    const drawn = new Map<string, number>();
    for (let step = 0; step < 36; step++) {
      const batch = sampler.sample(step);
      for (const [label, count] of batch.seen.entries()) seen[label] = (seen[label] ?? 0) + count;
      const second = batch.sources[1]?.id ?? "";
      drawn.set(second, (drawn.get(second) ?? 0) + 1);
    }
    // The first patch of each step lies anywhere, the second around class 1 and class 2 by turns.
    expect(drawn.get("rare")).toBe(18);
    expect(common.map(({ id }) => drawn.get(id))).toEqual(common.map(() => 2));
    expect(seen.slice(1).every((count) => count >= 18)).toBe(true);
  });

  test("draws cases in which a class is annotated and absent", () => {
    const cases = [scan("present", [4, 4, 4], two, [[0, 1]]), scan("absent", [4, 4, 4], two)];
    const sampler = patchSampler({ cases, patchSize: [2, 2, 2], batch: 2, foreground: 0.5 });
    const ids = [0, 1].map((step) => sampler.sample(step).sources[0]?.id);
    expect(ids.sort()).toEqual(["absent", "present"]);
  });

  test("spreads any part of foreground evenly", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(500), (foreground, start) => {
        const source = scan("a", [1, 1, 99], two, [[98, 1]]);
        const sampler = patchSampler({ cases: [source], patchSize: [1, 1, 1], batch: 20, foreground });
        const around = sampler.sample(start).labels.filter((label) => label === 1).length;
        // One voxel of 99 holds the class: patches that lie anywhere hit it now and then.
        expect(around).toBeGreaterThanOrEqual(Math.floor(20 * foreground));
        expect(around).toBeLessThanOrEqual(Math.ceil(20 * foreground) + 4);
      }),
    );
  });

  test("keeps the drawn voxel in the middle half of the patch, when the border is far", () => {
    const at = (10 * 20 + 10) * 20 + 10;
    const source = scan("a", [20, 20, 20], two, [[at, 1]]);
    const sampler = patchSampler({ cases: [source], patchSize: [8, 8, 8], foreground: 1 });
    const seen = new Set<number>();
    for (let step = 0; step < 200; step++)
      for (const start of sampler.sample(step).sources[0]?.origin ?? []) seen.add(10 - start);
    expect([...seen].sort()).toEqual([2, 3, 4, 5]);
  });

  test("says which classes were annotated, as numbers", () => {
    const cases = [scan("a", [2, 2, 2], two), scan("b", [2, 2, 2], [true, false, true])];
    const { annotated, sources } = patchSampler({ cases, patchSize: [2, 2, 2], batch: 2 }).sample(0);
    const first = sources[0]?.id === "a" ? [1, 1, 0, 1, 0, 1] : [1, 0, 1, 1, 1, 0];
    expect(annotated).toEqual(Float32Array.from(first));
  });

  test("remembers thinned places that lie in the class they belong to", () => {
    const random = new Random(3);
    const shape: Size3D = [40, 40, 40];
    const labels = Uint8Array.from({ length: 64_000 }, () => (random.uniform() < 0.7 ? 1 : 0));
    const source = { ...scan("a", shape, two), labels };
    const sampler = patchSampler({ cases: [source], patchSize: [1, 1, 1], foreground: 1, batch: 50 });
    const { labels: hit } = sampler.sample(0);
    expect(hit.every((label) => label === 1)).toBe(true);
  });

  test("varies patches if asked to, each with what lies around it, the same at every call", () => {
    const shape: Size3D = [30, 30, 30];
    const voxels = 27_000;
    const source: SampledCase = {
      id: "a",
      shape,
      annotated: two,
      image: Float32Array.from({ length: voxels }, (_, i) => (i % 30 < 15 ? -0.5 : 0.5)),
      labels: Uint8Array.from({ length: voxels }, (_, i) => (i % 30 < 15 ? 0 : 1)),
    };
    const turns = { rotate: { probability: 1 }, scale: { probability: 1 } };
    const none = Object.fromEntries(Object.keys(AUGMENTATION_DEFAULTS).map((name) => [name, { probability: 0 }]));
    const only = { ...none, flip: { probability: [0, 0, 0] as const }, ...turns };
    const options = { cases: [source], patchSize: [10, 10, 10] as const, batch: 4, foreground: 1, seed: 2 };
    const sampler = patchSampler({ ...options, augmentation: only });
    const batch = sampler.sample(3);
    expect(batch).toEqual(patchSampler({ ...options, augmentation: only }).sample(3));
    expect(batch.image).not.toEqual(patchSampler(options).sample(3).image);
    expect(batch.sources).toEqual(patchSampler(options).sample(3).sources);
    // Image and labels moved together: where the label is whole, so is the image, but for the border between the two.
    const apart = batch.labels.filter((label, i) => Math.abs((batch.image[i] as number) - (label - 0.5)) > 0.51);
    const air = batch.image.filter((value) => value === -1);
    expect(apart.length - air.length).toBeLessThan(0.01 * batch.labels.length);
    expect(batch.seen[1]).toBe(4);
  });

  test.each([
    ["no case", { cases: [] }, "patchSampler: at least one case is needed, got none."],
    ["a batch of 0", { batch: 0 }, "patchSampler: batch must be a whole number of at least 1, got 0."],
    [
      "a patch of 0",
      { patchSize: [0, 1, 1] as const },
      "patchSampler: patchSize must be whole numbers of at least 1, got [0, 1, 1].",
    ],
    ["a part above 1", { foreground: 2 }, "patchSampler: foreground must lie in [0, 1], got 2."],
    [
      "a patch beyond memory",
      { patchSize: [2000, 2000, 2000] as const },
      "patchSampler: a batch may have at most 536870912 voxels, got 1 x [2000, 2000, 2000] = 8000000000. Choose a smaller patchSize or batch.",
    ],
    [
      "a label beyond the classes",
      { cases: [scan("a", [1, 1, 2], two, [[1, 3]])] },
      "patchSampler: labels of a must be less than 3, got 3 at voxel 1.",
    ],
    [
      "voxels that do not fill the shape",
      { cases: [{ ...scan("a", [1, 1, 2], two), shape: [1, 1, 3] as const }] },
      "patchSampler: image and labels of a must have 3 voxels [1, 1, 3], got 2 and 2.",
    ],
  ])("refuses %s", (_, wrong, message) => {
    const good = { cases: [scan("a", [4, 4, 4], two)], patchSize: [2, 2, 2] as const };
    expect(() => patchSampler({ ...good, ...wrong })).toThrow(message);
  });
});
