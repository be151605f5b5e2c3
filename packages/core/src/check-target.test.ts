import type { Tensor2D, Tensor5D } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { checkTarget } from "./check-target.js";

const shaped = <T>(shape: number[]): T => ({ shape }) as T;

describe("checkTarget", () => {
  const check = (logits: number[], oneHot: number[], annotated: number[]) => () =>
    checkTarget("loss", shaped<Tensor5D>(logits), {
      oneHot: shaped<Tensor5D>(oneHot),
      annotated: shaped<Tensor2D>(annotated),
    });

  test("lets shapes pass that agree", () => {
    expect(check([2, 1, 4, 5, 3], [2, 1, 4, 5, 3], [2, 3])).not.toThrow();
  });

  test("says which shapes disagree", () => {
    expect(check([2, 3], [2, 3], [2, 3])).toThrow("loss: logits must have rank 5, got rank 2 [2, 3].");
    expect(check([2, 1, 4, 5, 3], [2, 1, 4, 5, 2], [2, 3])).toThrow(
      "loss: logits and target.oneHot must have the same shape, got [2, 1, 4, 5, 3] and [2, 1, 4, 5, 2].",
    );
    const expected = "loss: target.annotated must have the shape [2, 3], got";
    expect(check([2, 1, 4, 5, 3], [2, 1, 4, 5, 3], [2, 2])).toThrow(`${expected} [2, 2].`);
    expect(check([2, 1, 4, 5, 3], [2, 1, 4, 5, 3], [2])).toThrow(`${expected} [2].`);
  });
});
