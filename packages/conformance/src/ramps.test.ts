import { cosineRampdown, linearRampup, sigmoidRampup } from "@plseg/core";
import { expectClose, golden } from "@plseg/test-kit";
import { describe, expect, test } from "vitest";

/** Ramps in float64 (SPEC.md section 1). */
const RAMP = { absolute: 1e-9 };

const vectors = golden("ramps");
const length = vectors.json<number>("rampup_length");
const numbers = (name: string): number[] => Array.from(vectors.array(name).data, Number);

describe("ramps", () => {
  test.each([
    { name: "sigmoid_rampup", at: "current", ramp: sigmoidRampup },
    { name: "linear_rampup", at: "current_nonneg", ramp: linearRampup },
    { name: "cosine_rampdown", at: "current_in_range", ramp: cosineRampdown },
  ])("agrees with $name of case ramps", ({ name, at, ramp }) => {
    const ours = numbers(at).map((t) => ramp(t, length));
    expectClose(name, ours, numbers(name), RAMP);
  });

  test("agrees with the sigmoid ramp of length 0 and with the consistency weight", () => {
    const expected = numbers("sigmoid_rampup_length_0");
    expect(expected.map((_, t) => sigmoidRampup(t, 0))).toEqual(expected);
    const weights = numbers("epoch").map((epoch) => 0.1 * sigmoidRampup(epoch, length));
    expectClose("consistency_weight", weights, numbers("consistency_weight"), RAMP);
  });
});
