import { describe, expect, test } from "vitest";
import { distinctNames } from "./compare-evaluations.js";

describe("distinctNames", () => {
  test.each([
    ["predictions/a", "predictions/b", "a", "b"],
    ["runs/first/predictions", "runs/second/predictions/", "first/predictions", "second/predictions"],
    ["x/y", "y", "x/y", "y"],
    ["same", "./same", "same", "./same"],
  ])("tells %s from %s", (first, second, one, other) => {
    const names = distinctNames(first, second);
    expect(names[0]).toBe(one);
    expect(names[1].endsWith(other)).toBe(true);
  });
});
