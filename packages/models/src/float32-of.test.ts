import { describe, expect, test } from "vitest";
import { float32Of } from "./float32-of.js";

const half = (...bits: number[]): Float32Array =>
  float32Of("x", { dtype: "F16", shape: [bits.length], data: Uint16Array.from(bits) });

describe("float32Of", () => {
  test("has the values that the bits of a half stand for", () => {
    expect([...half(0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x8000, 0x7c00, 0xfc00)]).toEqual([
      ...[1, -2, 65504, 2 ** -24, 2 ** -14, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ]);
    expect(half(0x7e00)[0]).toBeNaN();
  });

  test("takes bfloat16 for the upper half of a float", () => {
    const data = Uint16Array.of(0x3f80, 0xbf00, 0x7f80);
    expect([...float32Of("x", { dtype: "BF16", shape: [3], data })]).toEqual([1, -0.5, Number.POSITIVE_INFINITY]);
  });

  test("rounds doubles, hands floats on, and refuses whole numbers", () => {
    expect([...float32Of("x", { dtype: "F64", shape: [1], data: Float64Array.of(0.1) })]).toEqual([Math.fround(0.1)]);
    const data = Float32Array.of(7);
    expect(float32Of("x", { dtype: "F32", shape: [1], data })).toBe(data);
    expect(() => float32Of("steps", { dtype: "I64", shape: [1], data: BigInt64Array.of(1n) })).toThrow(
      'float32Of: "steps" must hold floating-point numbers, got I64.',
    );
  });
});
