import type { Size3D } from "@plseg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Fingerprint } from "./fingerprint.js";
import { readPlan, writePlan } from "./plan.js";
import { planFrom } from "./plan-from.js";

function fingerprint(cases: readonly (readonly [Size3D, Size3D])[], more: Partial<Fingerprint> = {}): Fingerprint {
  return {
    version: 1,
    cases: cases.map(([spacing, shape], i) => ({ id: `case ${i}`, spacing, shape })),
    intensity: { percentile00_5: -70, percentile99_5: 210, mean: 80, deviation: 50 },
    classes: [],
    ...more,
  };
}

const abdomen = fingerprint([
  [
    [3, 0.8, 0.8],
    [120, 300, 400],
  ],
  [
    [2.5, 0.7, 0.7],
    [150, 340, 460],
  ],
  [
    [5, 0.9, 0.9],
    [80, 280, 370],
  ],
]);

describe("planFrom", () => {
  test("takes the median spacing, and the finest tenth along an axis that is much coarser", () => {
    // depth: 3 is more than three times 0.8, so the 10th percentile of 2.5, 3, 5, which is 2.6
    const { spacing, reasons } = planFrom(abdomen);
    expect(spacing).toEqual([2.6, 0.8, 0.8]);
    expect(reasons.spacing).toBe(
      "the median of 3 cases (depth 2.5 to 5, height 0.7 to 0.9, width 0.7 to 0.9 mm); along the depth, which is more than 3 times as coarse, the finest tenth",
    );
    expect(
      planFrom(
        fingerprint([
          [
            [2, 1, 1],
            [9, 9, 9],
          ],
        ]),
      ).reasons.spacing,
    ).toBe("all 1 cases have it");
  });

  test("fills the memory with a patch near to a cube in millimeters", () => {
    const { patchSize, reasons } = planFrom(abdomen);
    const [depth, height, width] = patchSize;
    expect(4e9 / (3500 * 2) / (depth * height * width)).toBeGreaterThan(1);
    expect(4e9 / (3500 * 2) / (depth * height * width)).toBeLessThan(1.25);
    expect((depth * 2.6) / (height * 0.8)).toBeCloseTo(1, 0);
    expect(height / width).toBeCloseTo(1, 0);
    expect(reasons.patchSize).toContain("most that fits into 4 GB at batch 2, with 3.5 kB for each voxel");
  });

  test("stops at the body where memory would allow more", () => {
    const { patchSize, reasons } = planFrom(abdomen, { memory: 1e15 });
    // Of the depths of 360, 375 and 400 mm the middle one is 144.2 voxels, 152 as a multiple of 8.
    expect(patchSize).toEqual([152, 304, 408]);
    expect(reasons.patchSize).toContain("it holds the median body whole; multiples of 8 for the network");
  });

  test("gives patches of the right multiple that fit, whatever the scans are", () => {
    const size = fc.integer({ min: 1, max: 600 });
    const mm = fc.double({ min: 0.3, max: 8, noNaN: true });
    fc.assert(
      fc.property(
        fc.tuple(mm, mm, mm),
        fc.tuple(size, size, size),
        fc.constantFrom(2, 8, 16),
        (spacing, shape, multiple) => {
          const plan = planFrom(fingerprint([[spacing, shape]]), { multiple });
          const [depth, height, width] = plan.patchSize;
          expect(plan.patchSize.every((voxels) => voxels >= multiple && voxels % multiple === 0)).toBe(true);
          expect(depth * height * width * 2 * 3500).toBeLessThanOrEqual(4e9);
          expect(readPlan(writePlan(plan))).toEqual(plan);
        },
      ),
    );
  });

  test("takes the soft-tissue window where it holds most of the organs, else their percentiles", () => {
    expect(planFrom(abdomen).intensity).toEqual({ level: 40, width: 400 });
    const lungs = { percentile00_5: -1000, percentile99_5: -200, mean: -800, deviation: 150 };
    const { intensity, reasons } = planFrom({ ...abdomen, intensity: lungs });
    expect(intensity).toEqual({ level: -600, width: 800 });
    expect(reasons.intensity).toBe(
      "from the 0.5th to the 99.5th percentile of annotated organs, -1000 to -200 HU; annotated organs are -800 ± 150 HU",
    );
    expect(planFrom(abdomen, { intensity: "percentiles" }).intensity).toEqual({ level: 70, width: 280 });
    expect(planFrom(abdomen, { intensity: "bone" }).intensity).toEqual({ level: 400, width: 1800 });
  });

  test("keeps decisions that were taken, and says so", () => {
    const plan = planFrom(abdomen, { spacing: [2, 2, 2], patchSize: [32, 32, 32], intensity: { level: 0, width: 1 } });
    expect(plan).toEqual({
      version: 1,
      spacing: [2, 2, 2],
      patchSize: [32, 32, 32],
      intensity: { level: 0, width: 1 },
      reasons: { spacing: "as asked for", patchSize: "as asked for", intensity: "as asked for" },
    });
  });

  test("says what is missing", () => {
    expect(() => planFrom(fingerprint([]))).toThrow("planFrom: at least one labeled case is needed, got none.");
    expect(() => planFrom(abdomen, { memory: 1e6 })).toThrow(
      "planFrom: memory must hold a patch of 8 cubed, 3584000 bytes at batch 2, got 1000000.",
    );
  });
});
