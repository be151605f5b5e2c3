import { describe, expect, test } from "vitest";
import { listSettings } from "./settings.js";

describe("listSettings", () => {
  test("shows a setting in a line, and those inside others by their paths", () => {
    const plan = { spacing: [3, 1, 1], reasons: { spacing: "as asked for" } };
    const settings = { steps: 5, schedule: { name: "constant", power: 1 }, plan, none: null, pairs: [[1, 2]] };
    expect(listSettings(settings)).toEqual([
      ["steps", "5"],
      ["schedule", "name constant, power 1"],
      ["plan.spacing", "3, 1, 1"],
      ["plan.reasons", "spacing as asked for"],
      ["none", "null"],
      ["pairs", "[[1,2]]"],
    ]);
  });
});
