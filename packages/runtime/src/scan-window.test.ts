import { scalingAffine } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { scanWindow } from "./scan-window.js";

const scan = (...values: number[]): Parameters<typeof scanWindow>[1] => {
  return { data: Float32Array.from(values), shape: [1, 1, values.length], affine: scalingAffine([1, 1, 1]) };
};

describe("scanWindow", () => {
  test("is the bundle's own for every scan", () => {
    expect(scanWindow({ level: 40, width: 400 }, scan(-1000, 3000))).toEqual({ level: 40, width: 400 });
  });

  test("reaches from the lowest to the highest value of a scan", () => {
    expect(scanWindow("scan-range", scan(-1000, Number.NaN, 0, 3000))).toEqual({ level: 1000, width: 4000 });
  });

  test("has a width also where there is nothing to see", () => {
    expect(scanWindow("scan-range", scan(7, 7))).toEqual({ level: 7, width: 1 });
    expect(scanWindow("scan-range", scan(Number.NaN))).toEqual({ level: 0, width: 1 });
  });
});
