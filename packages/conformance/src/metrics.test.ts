import { ClassSet, type LabelMap, type Size3D, scalingAffine } from "@plseg/core";
import { assd, dice, evaluateCase, hausdorff95, iou, type Metric, relativeVolumeError } from "@plseg/metrics";
import { expectClose, golden } from "@plseg/test-kit";
import { describe, expect, test } from "vitest";

const file = golden("metrics");
const pairs = file.json<string[]>("pairs");
const functions = file.json<string[]>("functions");
const [, depth = 0, height = 0, width = 0] = file.array("prediction").shape;
const shape: Size3D = [depth, height, width];
const voxels = depth * height * width;
const spacings = Array.from({ length: 4 }, (_, i) =>
  Array.from(file.array("spacing").data.slice(3 * i, 3 * i + 3), Number),
);

/** Ours, by each name that the reference has for it. */
const OURS = {
  dice,
  get_dice: dice,
  iou,
  assd,
  get_assd: assd,
  medpy_hd95: hausdorff95,
  get_hd95: hausdorff95,
  rve: relativeVolumeError,
  get_rve: relativeVolumeError,
} as const;

/** Where ours has deliberately no value, and what the reference gives there. */
const NO_VALUE: Record<string, Partial<Record<keyof typeof OURS, string>>> = {
  both_empty: {
    dice: "1",
    get_dice: "1",
    iou: "1",
    assd: "NaN",
    get_assd: "NaN",
    medpy_hd95: "an error",
    get_hd95: "0, a perfect score",
    rve: "an error",
    get_rve: "an error",
  },
  empty_prediction: {
    assd: "distances to a phantom voxel",
    get_assd: "distances to a phantom voxel",
    medpy_hd95: "an error",
    get_hd95: "0, a perfect score",
  },
  empty_prediction_single_gt: {
    assd: "distances to a phantom voxel",
    get_assd: "distances to a phantom voxel",
    medpy_hd95: "an error",
    get_hd95: "0, a perfect score",
  },
  empty_ground_truth: {
    assd: "distances to a phantom voxel",
    get_assd: "distances to a phantom voxel",
    medpy_hd95: "an error",
    get_hd95: "0, a perfect score",
    rve: "an error",
    get_rve: "an error",
  },
};

/** The 1e-9 of float64 metrics. */
const EXACT = { absolute: 1e-9, relative: 1e-9 };

const mask = (name: string, pair: number): Uint8Array =>
  file.array(name).data.slice(pair * voxels, (pair + 1) * voxels) as Uint8Array;

describe.each(pairs.map((pair, index) => ({ pair, index })))("metrics of $pair", ({ pair, index }) => {
  const [prediction, reference] = [mask("prediction", index), mask("ground_truth", index)];

  test.each(Object.keys(OURS) as (keyof typeof OURS)[])("agrees with the reference's %s or has no value", (name) => {
    for (const [s, spacing] of spacings.entries()) {
      const expected = file.array("values").data[(index * 4 + s) * functions.length + functions.indexOf(name)];
      const ours = OURS[name](prediction, reference, shape, spacing as unknown as Size3D);
      if (NO_VALUE[pair]?.[name]) expect(ours).toBeNull();
      else expectClose(`${pair} ${name} at spacing ${s}`, [ours ?? Number.NaN], [expected as number], EXACT);
    }
  });
});

describe("metrics of several classes", () => {
  const grid = { shape, affine: scalingAffine(spacings[1] as unknown as Size3D) };
  const labelMap = (name: string): LabelMap => ({ ...grid, data: file.array(name).data as Uint8Array });
  const scores = evaluateCase({
    prediction: labelMap("multi_prediction"),
    reference: labelMap("multi_ground_truth"),
    classes: new ClassSet(["background", "one", "two", "three", "four", "five"]),
    annotated: new Array(6).fill(true),
  });

  test.each(["dice", "iou", "assd", "hd95"] satisfies Metric[])(
    "agrees with the reference's %s per label",
    (metric) => {
      const expected = file.array(`multi_${metric}`).data;
      for (const label of [1, 2, 4])
        expectClose(
          `${metric} of label ${label}`,
          [scores[label - 1]?.scores[metric] ?? Number.NaN],
          [expected[label] as number],
          EXACT,
        );
    },
  );

  test("has no value for a label absent from both, where the reference says 1 or 0", () => {
    expect(scores[2]?.reason).toBe("absent from both");
    expect(scores[2]?.scores).toEqual({ dice: null, iou: null, assd: null, hd95: null, nsd: null, rve: null });
    expect([file.array("multi_dice").data[3], file.array("multi_hd95").data[3]]).toEqual([1, 0]);
  });

  test("has no distances for a label absent from the truth, where the reference says 0", () => {
    expect(scores[4]?.reason).toBe("absent from the reference");
    expect(scores[4]?.scores).toMatchObject({ assd: null, hd95: null, nsd: 0, rve: null });
    expectClose("dice", [scores[4]?.scores.dice ?? Number.NaN], [file.array("multi_dice").data[5] as number], EXACT);
  });
});
