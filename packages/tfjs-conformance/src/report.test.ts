import { describe, expect, test } from "vitest";
import { reportOf, type SpecResult, skipsByReason } from "./report.js";

const spec = (name: string, status: SpecResult["status"], ...messages: string[]): SpecResult => ({
  name,
  status,
  messages,
});

describe("reportOf", () => {
  test("tells failures from what cannot be traced", () => {
    const report = reportOf([
      spec("add onnx {} adds", "passed"),
      spec("add onnx {} is wrong", "failed", "Error: Arrays differ"),
      spec(
        "fft onnx {} works",
        "failed",
        "trace: the operation FFT cannot be traced: ONNX Runtime computes with real numbers only",
      ),
      spec("split onnx {} text", "failed", "trace: tensors of type string cannot be traced."),
      spec("later", "pending"),
    ]);
    expect(report.passed).toBe(1);
    expect(report.failed).toEqual([{ name: "add onnx {} is wrong", message: "Error: Arrays differ" }]);
    expect(skipsByReason(report).map(([, count]) => count)).toEqual([1, 1, 1]);
  });

  test("does not let one reason cover another failure of the same spec", () => {
    const both = ["trace: tensors of type string cannot be traced.", "Error: Arrays differ"];
    expect(reportOf([spec("slice onnx {}", "failed", ...both)]).failed).toHaveLength(1);
  });

  test("names rules that nothing needs", () => {
    expect(reportOf([]).stale.length).toBeGreaterThan(0);
  });
});
