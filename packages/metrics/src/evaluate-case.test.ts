import { type Affine, ClassSet, DataError, type LabelMap, ShapeError, type Size3D, scalingAffine } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { assd } from "./assd.js";
import { dice } from "./dice.js";
import { evaluateCase } from "./evaluate-case.js";
import { hausdorff95 } from "./hausdorff95.js";
import { iou } from "./iou.js";
import { normalizedSurfaceDice } from "./normalized-surface-dice.js";
import { relativeVolumeError } from "./relative-volume-error.js";

const classes = new ClassSet(["background", "liver", "spleen", "aorta"]);
const everything = [true, true, true, true];

function labelMap(data: number[], shape: Size3D = [1, 2, 4], affine: Affine = scalingAffine([3, 2, 1])): LabelMap {
  return { data: Uint8Array.from(data), shape, affine };
}

describe("evaluateCase", () => {
  test("scores each class as the metrics of its masks do", () => {
    const shape: Size3D = [2, 3, 4];
    const prediction = labelMap([0, 1, 1, 2, 0, 1, 1, 2, 0, 0, 3, 2, 0, 1, 1, 0, 0, 1, 1, 2, 3, 3, 0, 2], shape);
    const reference = labelMap([0, 0, 1, 2, 0, 1, 1, 2, 0, 0, 2, 2, 0, 0, 1, 1, 0, 1, 1, 2, 0, 0, 0, 3], shape);
    const scores = evaluateCase({ prediction, reference, classes, annotated: everything, tolerance: 1.5 });
    expect(scores.map((score) => score.class)).toEqual(["liver", "spleen", "aorta"]);
    for (const [i, { scores: found, predictedVoxels, referenceVoxels, state, reason }] of scores.entries()) {
      const [s, g] = [prediction, reference].map(({ data }) => data.map((v) => (v === i + 1 ? 1 : 0))) as [
        Uint8Array,
        Uint8Array,
      ];
      expect(found).toEqual({
        dice: dice(s, g),
        iou: iou(s, g),
        assd: assd(s, g, shape, [3, 2, 1]),
        hd95: hausdorff95(s, g, shape, [3, 2, 1]),
        nsd: normalizedSurfaceDice(s, g, shape, [3, 2, 1], 1.5),
        rve: relativeVolumeError(s, g),
      });
      expect([predictedVoxels, referenceVoxels]).toEqual([s, g].map((mask) => mask.filter((v) => v).length));
      expect([state, reason]).toEqual(["present", null]);
    }
  });

  test("does not score what is not annotated", () => {
    const prediction = labelMap([1, 1, 2, 2, 0, 0, 0, 0]);
    const reference = labelMap([1, 1, 0, 0, 0, 0, 0, 0]);
    const annotated = [true, true, false, true];
    expect(evaluateCase({ prediction, reference, classes, annotated, metrics: ["dice"] })).toEqual([
      { class: "liver", state: "present", scores: { dice: 1 }, reason: null, predictedVoxels: 2, referenceVoxels: 2 },
      {
        class: "spleen",
        state: "unannotated",
        scores: { dice: null },
        reason: "unannotated",
        predictedVoxels: 2,
        referenceVoxels: 0,
      },
      {
        class: "aorta",
        state: "absent",
        scores: { dice: null },
        reason: "absent from both",
        predictedVoxels: 0,
        referenceVoxels: 0,
      },
    ]);
  });

  test("says what an empty mask does to each metric", () => {
    const one = labelMap([1, 0, 0, 0, 0, 0, 0, 0]);
    const other = labelMap([2, 0, 0, 0, 0, 0, 0, 0]);
    const [liver, spleen] = evaluateCase({ prediction: one, reference: other, classes, annotated: everything });
    expect(liver).toMatchObject({ state: "absent", reason: "absent from the reference" });
    expect(liver?.scores).toMatchObject({ nsd: 0, assd: null, hd95: null, rve: null });
    expect(liver?.scores.dice).toBeLessThan(1.1e-5);
    expect(spleen).toMatchObject({ state: "present", reason: "absent from the prediction" });
    expect(spleen?.scores).toMatchObject({ nsd: 0, assd: null, hd95: null, rve: 1 });
    expect(spleen?.scores.iou).toBeLessThan(1.1e-5);
  });

  test("says which shapes disagree", () => {
    const [prediction, reference] = [labelMap([0, 0, 0, 0], [1, 2, 2]), labelMap([0, 0, 0, 0], [1, 1, 4])];
    expect(() => evaluateCase({ prediction, reference, classes, annotated: everything })).toThrow(
      new ShapeError("evaluateCase: prediction and reference must have the same shape, got [1, 2, 2] and [1, 1, 4]."),
    );
    const short = { ...prediction, data: new Uint8Array(3) };
    expect(() => evaluateCase({ prediction: short, reference: prediction, classes, annotated: everything })).toThrow(
      "evaluateCase: the prediction of shape [1, 2, 2] must have 4 voxels, got 3.",
    );
  });

  test("says how far two grids are apart, but lets rounding of the header pass", () => {
    const reference = labelMap(new Array(8).fill(1));
    const moved = (by: number): LabelMap => ({
      ...reference,
      affine: [1, 0, 0, by, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1],
    });
    expect(() => evaluateCase({ prediction: moved(1.5), reference, classes, annotated: everything })).toThrow(
      new DataError(
        "evaluateCase: prediction and reference must lie on the same grid, but their corners are up to 1.500 mm apart. Resample the prediction to the reference.",
      ),
    );
    const [liver] = evaluateCase({ prediction: moved(1e-4), reference, classes, annotated: everything });
    expect(liver?.scores.dice).toBe(1);
  });

  test("says which label is no class", () => {
    const [prediction, reference] = [labelMap([0, 4, 0, 0, 0, 0, 0, 0]), labelMap(new Array(8).fill(0))];
    expect(() => evaluateCase({ prediction, reference, classes, annotated: everything })).toThrow(
      new DataError(
        "evaluateCase: the prediction holds the label 4, but the classes are 0 to 3 (background, liver, spleen, aorta).",
      ),
    );
  });

  test("refuses annotations of other classes", () => {
    const map = labelMap(new Array(8).fill(0));
    expect(() => evaluateCase({ prediction: map, reference: map, classes, annotated: [true, false] })).toThrow(
      "evaluateCase: annotated must have one entry per class (4, background included), got 2.",
    );
  });
});
