import "@plseg/test-kit";
import { grad, mul, randomUniform, sum, type Tensor, type Tensor5D, tensor, tensor5d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { type AveragePool3dOptions, averagePool3d } from "./average-pool-3d.js";

describe("averagePool3d", () => {
  test("matches values worked out by hand", () => {
    const x = tensor5d([1, 3, 5, 8], [1, 1, 1, 4, 1]);
    expect([...averagePool3d(x, [1, 1, 2]).dataSync()]).toEqual([2, 6.5]);
    expect([...averagePool3d(x, [1, 1, 2], { strides: [1, 1, 1] }).dataSync()]).toEqual([2, 4, 6.5]);
    // one place before and one behind: windows of 1, 3 and of 5, 8
    const same = averagePool3d(x, [1, 1, 3], { strides: [1, 1, 3], padding: "same" });
    expect([...same.dataSync()]).toEqual([2, 6.5].map(Math.fround));
  });

  const cases: AveragePool3dOptions[] = [
    { padding: "same", strides: [1, 1, 1] },
    { padding: "same", strides: [2, 3, 2] },
    { padding: "valid", strides: [1, 2, 3] },
  ];
  test.each(cases)("has the gradient of its finite differences, $padding padding, strides $strides", (options) => {
    const x = randomUniform([1, 3, 4, 5, 2], -1, 1, "float32", 1);
    const pool = (x: Tensor): Tensor5D => averagePool3d(x as Tensor5D, [2, 3, 3], options);
    const dy = randomUniform(pool(x).shape, -1, 1, "float32", 2);
    const loss = (x: Tensor): Tensor => sum(mul(pool(x), dy));
    const values = x.dataSync();
    for (const [i, expected] of grad(loss)(x).dataSync().entries()) {
      const moved = (step: number): number =>
        loss(
          tensor(
            Float32Array.from(values, (value, j) => (j === i ? value + step : value)),
            x.shape,
          ),
        ).dataSync()[0] ?? Number.NaN;
      expect((moved(0.5) - moved(-0.5)) / 1).toBeCloseTo(expected, 4);
    }
  });

  test("says what it cannot pool", () => {
    expect(() => averagePool3d(tensor5d([1], [1, 1, 1, 1, 1]), [0, 1, 1])).toThrow(
      "averagePool3d: size must be three whole numbers of at least 1, got [0, 1, 1].",
    );
  });
});
