import { ClassSet, scalingAffine } from "@plseg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAnnotations } from "./annotations.js";
import { hideUnannotated, maskAnnotations } from "./mask-annotations.js";

const classes = new ClassSet(["background", "a", "b", "c", "d", "e"]);

describe("maskAnnotations", () => {
  test("keeps as many classes as asked in each case, and each class equally often", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 5 }), fc.nat(), (count, keep, seed) => {
        const cases = Array.from({ length: count }, (_, i) => `case_${i}`);
        const manifest = maskAnnotations({ cases, classes, keep, seed });
        expect(readAnnotations(manifest)).toEqual(manifest);
        expect(Object.keys(manifest.cases)).toEqual(cases);
        const all = Object.values(manifest.cases).map(({ annotated }) => annotated);
        for (const annotated of all) expect(new Set(annotated).size).toBe(keep);
        const counts = classes.foreground.map((name) => all.filter((annotated) => annotated.includes(name)).length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("depends on the seed and nothing else", () => {
    const cases = ["p", "q", "r", "s"];
    const first = maskAnnotations({ cases, classes, keep: 2, seed: 1 });
    expect(maskAnnotations({ cases, classes, keep: 2, seed: 1 })).toEqual(first);
    expect(maskAnnotations({ cases, classes, keep: 2, seed: 2 })).not.toEqual(first);
  });

  test.each([0, 6, 1.5])("refuses to keep %d of 5 classes", (keep) => {
    expect(() => maskAnnotations({ cases: ["p"], classes, keep, seed: 0 })).toThrow(
      `maskAnnotations: keep must be a whole number from 1 to 5, got ${keep}.`,
    );
  });
});

describe("hideUnannotated", () => {
  test("makes unannotated classes background and leaves the map it was given", () => {
    const labels = { data: Uint8Array.of(0, 1, 2, 1), shape: [1, 2, 2] as const, affine: scalingAffine([1, 1, 1]) };
    expect(hideUnannotated(labels, [true, false, true]).data).toEqual(Uint8Array.of(0, 0, 2, 0));
    expect(labels.data).toEqual(Uint8Array.of(0, 1, 2, 1));
  });
});
