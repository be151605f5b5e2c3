import { describe, expect, test } from "vitest";
import { drawWeights, loadedPermutation, storedPermutation, storedShape, type WeightSpec } from "./weight-spec.js";

const kernel: WeightSpec = {
  name: "a.weight",
  shape: [3, 3, 3, 8, 16],
  initializer: "xavier-normal",
  kind: "parameter",
};
const bias: WeightSpec = { name: "a.bias", shape: [16], initializer: "ones", kind: "parameter" };

describe("storedShape", () => {
  test("puts outputs and inputs first, as PyTorch does", () => {
    expect(storedShape([3, 4, 5, 8, 16])).toEqual([16, 8, 3, 4, 5]);
    expect(storedShape([8, 16])).toEqual([16, 8]);
    expect(storedShape([16])).toEqual([16]);
  });

  test.each([0, 1, 2, 3, 5])("is undone at rank %i", (rank) => {
    const back = loadedPermutation(rank).map((axis) => storedPermutation(rank)[axis]);
    expect(back).toEqual(Array.from({ length: rank }, (_, axis) => axis));
  });
});

describe("drawWeights", () => {
  test("draws with Glorot's and He's variance", () => {
    const deviation = (values: Float32Array): number =>
      Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    const draw = (initializer: WeightSpec["initializer"]): Float32Array =>
      drawWeights([{ ...kernel, initializer }], 1).get("a.weight") as Float32Array;
    // 3456 values: three standard errors are 3.6 %
    expect(deviation(draw("xavier-normal")) / Math.sqrt(2 / (27 * (8 + 16)))).toBeCloseTo(1, 1);
    expect(deviation(draw("he-normal")) / Math.sqrt(2 / (27 * 8))).toBeCloseTo(1, 1);
    expect(new Set(draw("zeros"))).toEqual(new Set([0]));
  });

  test("gives each name a stream of its own", () => {
    const other = { ...kernel, name: "b.weight" };
    const [first, second] = [drawWeights([kernel, bias, other], 5), drawWeights([other, kernel], 5)];
    expect(first.get("a.weight")).toEqual(second.get("a.weight"));
    expect(first.get("a.weight")).not.toEqual(first.get("b.weight"));
    expect(first.get("a.weight")).not.toEqual(drawWeights([kernel], 6).get("a.weight"));
    expect([...(first.get("a.bias") ?? [])]).toEqual(new Array(16).fill(1));
  });

  test("says what it cannot draw", () => {
    expect(() => drawWeights([{ ...bias, initializer: "he-normal" }], 1)).toThrow(
      'drawWeights: he-normal needs a weight with inputs and outputs, got "a.bias" of shape [16].',
    );
  });
});
