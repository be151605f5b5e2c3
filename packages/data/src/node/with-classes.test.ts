import { ClassSet } from "@plseg/core";
import { describe, expect, test } from "vitest";
import type { Dataset } from "./dataset.js";
import { toClassIndices } from "./load-case.js";
import { withClasses } from "./with-classes.js";

const dataset: Dataset = {
  ...{ root: "d", name: "d", classes: new ClassSet(["background", "spleen", "liver"]), labelValues: [0, 1, 7] },
  training: [{ id: "a", image: "a.nii", labels: "l.nii", annotated: [true, false, true] }],
  ...{ test: [], annotations: "manifest" },
};

describe("withClasses", () => {
  test("reads the same files as classes in another order, of which it does not annotate those that it lacks", () => {
    const wide = withClasses(dataset, ["background", "liver", "aorta", "spleen"]);
    expect(wide.training[0]?.annotated).toEqual([true, true, false, false]);
    const map = { data: Uint8Array.of(0, 1, 7), shape: [1, 1, 3], affine: [] as never } as const;
    expect([...toClassIndices(map, wide, "l.nii").data]).toEqual([0, 3, 1]);
    expect(() => toClassIndices({ ...map, data: Uint8Array.of(2, 0, 0) }, wide, "l.nii")).toThrow(
      "got 2 (1 voxels). Classes: 0 background, 7 liver, 1 spleen.",
    );
  });

  test("says which class would be lost", () => {
    expect(() => withClasses(dataset, ["background", "liver"])).toThrow('there is no class "spleen"');
  });
});
