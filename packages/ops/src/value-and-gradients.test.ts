import "@plseg/test-kit";
import { add, memory, mul, type Scalar, square, sum, tensor1d, tidy } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { valueAndGradients } from "./value-and-gradients.js";

describe("valueAndGradients", () => {
  const x = tensor1d([1, 2, 3]);
  const y = tensor1d([4, 5]);
  const unused = tensor1d([6, 7]);

  test("gives value, by-products and gradients; a tensor without influence has zeros", () => {
    const { value, aux, gradients } = valueAndGradients(() => {
      const squares = square(x);
      return { value: add(sum(squares), sum(mul(y, 3))) as Scalar, aux: { squares, y } };
    }, [x, unused, y]);
    expect(value.dataSync()[0]).toBe(1 + 4 + 9 + 27);
    expect([...aux.squares.dataSync()]).toEqual([1, 4, 9]);
    expect(gradients.map((gradient) => [...gradient.dataSync()])).toEqual([
      [2, 4, 6],
      [0, 0],
      [3, 3],
    ]);
    aux.y.dispose();
    expect([...y.dataSync()]).toEqual([4, 5]);
  });

  test("keeps by-products beyond a tidy, and nothing else", () => {
    const before = memory().numTensors;
    const squares = tidy(
      () =>
        valueAndGradients(() => ({ value: sum(square(x)) as Scalar, aux: { squares: square(x) } }), [x]).aux.squares,
    );
    expect(memory().numTensors).toBe(before + 1);
    expect([...squares.dataSync()]).toEqual([1, 4, 9]);
    squares.dispose();
  });

  test("says that a value must be a scalar", () => {
    expect(() => valueAndGradients(() => ({ value: square(x) as unknown as Scalar, aux: {} }), [x])).toThrow(
      "valueAndGradients: the value must be a scalar, got [3].",
    );
  });
});
