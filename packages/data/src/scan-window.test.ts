import { describe, expect, test } from "vitest";
import { scanRange, scanWindow } from "./scan-window.js";

const windowOf = (rule: Parameters<typeof scanWindow>[0], ...values: number[]) =>
  scanWindow(rule, () => scanRange({ data: Float32Array.from(values) }));

describe("scanWindow", () => {
  test("is the window of the rule, whatever the scan", () => {
    expect(windowOf({ level: 40, width: 400 }, -1000, 3000)).toEqual({ level: 40, width: 400 });
  });

  test("reaches from the lowest to the highest value", () => {
    expect(windowOf("scan-range", -1000, Number.NaN, 0, 3000)).toEqual({ level: 1000, width: 4000 });
  });

  test("has a width for a scan of one value, and of none", () => {
    expect(windowOf("scan-range", 7, 7)).toEqual({ level: 7, width: 1 });
    expect(windowOf("scan-range", Number.NaN)).toEqual({ level: 0, width: 1 });
  });
});
