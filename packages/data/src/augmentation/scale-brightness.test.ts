import { describe, expect, test } from "vitest";
import { scaleBrightness } from "./scale-brightness.js";

describe("scaleBrightness", () => {
  test("multiplies", () => {
    expect([...scaleBrightness(Float32Array.from([-1, 0, 0.5]), 1.5)]).toEqual([-1.5, 0, 0.75]);
  });
});
