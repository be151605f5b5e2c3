import { ConfigError, type LabelMap, scalingAffine } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { cleanLabels } from "./clean-labels.js";

/** A row of labels whose voxels are 10 × 10 × 10 mm: one milliliter each. */
const row = (text: string): LabelMap => ({
  data: Uint8Array.from(text, Number),
  shape: [1, 1, text.length],
  affine: scalingAffine([10, 10, 10]),
});
const textOf = ({ data }: LabelMap): string => data.join("");

describe("cleanLabels", () => {
  test("keeps the largest component of the labels that have the rule, the first of equal ones", () => {
    const map = row("1101110220222033033");
    const keep = (...labels: number[]) => new Map(labels.map((label) => [label, { largest: true }]));
    expect(textOf(cleanLabels(map, { rules: keep(1, 2, 3) }))).toBe("0001110000222033000");
    expect(textOf(cleanLabels(map, { rules: keep(2) }))).toBe("1101110000222033033");
    expect(textOf(map)).toBe("1101110220222033033");
  });

  test("clears what is smaller than so many milliliters, also the largest", () => {
    const map = row("110111010220");
    expect(textOf(cleanLabels(map, { rules: new Map([[1, { minMilliliters: 2 }]]) }))).toBe("110111000220");
    expect(textOf(cleanLabels(map, { rules: new Map([[1, { minMilliliters: 2.001 }]]) }))).toBe("000111000220");
    const both = new Map([[1, { largest: true, minMilliliters: 4 }]]);
    expect(textOf(cleanLabels(map, { rules: both }))).toBe("000000000220");
  });

  test("goes by the volume of a voxel, not by the product of its sides, where axes are oblique", () => {
    // sides 10, 10 and √200 mm, but a volume of 1 ml
    const map: LabelMap = { ...row("10"), affine: [10, 0, 10, 0, 0, 10, 0, 0, 0, 0, 10, 0, 0, 0, 0, 1] };
    expect(textOf(cleanLabels(map, { rules: new Map([[1, { minMilliliters: 1.2 }]]) }))).toBe("00");
  });

  test("takes corners for neighbors unless told", () => {
    const map: LabelMap = { data: Uint8Array.of(1, 0, 0, 1), shape: [1, 2, 2], affine: scalingAffine([1, 1, 1]) };
    const rules = new Map([[1, { largest: true }]]);
    expect(textOf(cleanLabels(map, { rules }))).toBe("1001");
    expect(textOf(cleanLabels(map, { rules, connectivity: 6 }))).toBe("1000");
  });

  test("says what is wrong", () => {
    const clean = (label: number, minMilliliters: number) => () =>
      cleanLabels(row("1"), { rules: new Map([[label, { minMilliliters }]]) });
    expect(clean(1, -1)).toThrow("minMilliliters of label 1 must be a number of at least 0, got -1.");
    expect(clean(1, Number.NaN)).toThrow(ConfigError);
    expect(clean(0, 1)).toThrow("label 0 is the background and has no rule.");
  });
});
