import { describe, expect, test } from "vitest";
import { divergenceOf, NO_STEPS, type RecentSteps, withStep } from "./divergence.js";

const after = (steps: number, loss = 1, gradientNorm = 2): RecentSteps => {
  let recent = NO_STEPS;
  for (let step = 0; step < steps; step++) recent = withStep(recent, { loss, gradientNorm });
  return recent;
};

describe("divergenceOf", () => {
  test("notices what is no finite number, from the first step", () => {
    expect(divergenceOf({ loss: Number.NaN, gradientNorm: 1 }, NO_STEPS)).toBe("the loss is NaN");
    const infinite = { loss: 1, gradientNorm: Number.POSITIVE_INFINITY };
    expect(divergenceOf(infinite, NO_STEPS)).toBe("the gradient norm is Infinity");
  });

  test("notices more than 1000 times the median, once there are 20 steps", () => {
    expect(divergenceOf({ loss: 1001, gradientNorm: 2 }, after(19))).toBeUndefined();
    expect(divergenceOf({ loss: 1001, gradientNorm: 2 }, after(20))).toBe(
      "the loss is 1001, more than 1000 times its median over the last 20 steps, 1",
    );
    expect(divergenceOf({ loss: 1000, gradientNorm: 2000 }, after(20))).toBeUndefined();
    expect(divergenceOf({ loss: 1, gradientNorm: 2001 }, after(20))).toMatch(/^the gradient norm is 2001/);
    expect(divergenceOf({ loss: 1, gradientNorm: 1 }, after(20, 0, 0))).toBeUndefined(); // 0 tells nothing
  });

  test("forgets what is more than 100 steps ago", () => {
    const recent = [...Array(100)].reduce<RecentSteps>(
      (steps) => withStep(steps, { loss: 5, gradientNorm: 5 }),
      after(80),
    );
    expect(recent).toEqual(after(100, 5, 5));
  });
});
