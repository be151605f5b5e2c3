import { dropout } from "@plseg/ops";
import { ones, type Scalar, scalar, type Tensor, type Tensor5D } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines, type Tensors } from "./engines.js";
import { output } from "./golden-tensors.js";
import { pullback } from "./operators.js";

describe.each(engines)("dropout, $name", ({ run }) => {
  const drop = pullback(({ x, seed }) => dropout(x as Tensor5D, 0.3, seed as Scalar));
  const x = ones([2, 5, 6, 7, 8]);

  test.each([0, 1, 4092, 1_000_003])(
    "drops the same values as the eager engine, in value and gradient, for seed %i",
    async (seed) => {
      const inputs: Tensors = { x, seed: scalar(seed) as Tensor, upstream: x };
      const results = await run(drop, inputs);
      const expected = dropout(x as Tensor5D, 0.3, scalar(seed)).dataSync();
      expect(new Set(expected).size).toBe(2);
      expect(output(results, "out").data).toEqual(expected);
      expect(output(results, "grad_x").data).toEqual(expected);
    },
  );
});
