import { describe, expect, test } from "vitest";
import { type Plan, readPlan, writePlan } from "./plan.js";

const PLAN: Plan = {
  version: 1,
  spacing: [3, 0.85, 0.85],
  patchSize: [48, 96, 96],
  intensity: { level: 40, width: 400 },
  reasons: { spacing: "the median", patchSize: "as large as fits", intensity: "soft tissue" },
};

describe("readPlan", () => {
  test("reads what writePlan writes, which is a file for people", () => {
    expect(readPlan(writePlan(PLAN))).toEqual(PLAN);
    expect(writePlan(PLAN)).toBe(`{
  "version": 1,
  "spacing": [3, 0.85, 0.85],
  "patchSize": [48, 96, 96],
  "intensity": { "level": 40, "width": 400 },
  "reasons": {
    "spacing": "the median",
    "patchSize": "as large as fits",
    "intensity": "soft tissue"
  }
}
`);
  });

  test("takes a window by its name, and needs no reasons", () => {
    const { reasons: _, ...rest } = PLAN;
    expect(readPlan({ ...rest, intensity: "lung" })).toEqual({
      ...rest,
      intensity: { level: -600, width: 1500 },
      reasons: {},
    });
  });

  test.each([
    [
      { ...PLAN, patchsize: [8, 8, 8] },
      'readPlan: my.json: there is no key "patchsize". Did you mean "patchSize"? Keys: version, spacing, patchSize, intensity, reasons.',
    ],
    [
      { ...PLAN, reasons: { patch: "" } },
      'readPlan: my.json: there is no key "reasons.patch". Keys: spacing, patchSize, intensity.',
    ],
    [{ ...PLAN, spacing: [3, 0, 1] }, "readPlan: my.json: spacing.1: must be more than 0 mm."],
    [{ ...PLAN, patchSize: [8.5, 8, 8] }, "readPlan: my.json: patchSize.0: must be a whole number."],
    [
      { ...PLAN, intensity: "fat" },
      'readPlan: my.json: intensity: must be "scan-range", "soft-tissue", "lung", "bone" or { "level": …, "width": … } with a width above 0.',
    ],
  ])("says what is wrong (%#)", (plan, message) => {
    expect(() => readPlan(plan, "my.json")).toThrow(message);
  });
});
