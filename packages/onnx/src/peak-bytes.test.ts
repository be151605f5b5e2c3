import "@plseg/test-kit";
import { add, exp, mul, reshape, sum } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { trace } from "./trace.js";

describe("peakBytes", () => {
  test("counts inputs and what is held at the fullest moment", () => {
    const { summary } = trace(
      ({ x }) => {
        const a = exp(x); // x and a are held
        const b = mul(a, x); // x, a and b
        return { y: sum(add(b, 1)) }; // x, b and b + 1: a is gone
      },
      { x: { shape: [1000] } },
    );
    expect(summary().peakBytes).toBe(3 * 4000);
  });

  test("does not count the same numbers in another shape", () => {
    const { summary } = trace(({ x }) => ({ y: reshape(exp(x), [10, 100]) }), { x: { shape: [1000] } });
    expect(summary().peakBytes).toBe(2 * 4000);
  });
});
