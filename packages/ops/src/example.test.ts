import "@plseg/test-kit";
import { readFileSync } from "node:fs";
import {
  mean,
  ones,
  randomUniform,
  type Scalar,
  scalar,
  square,
  sub,
  type Tensor1D,
  type Tensor5D,
  zeros,
} from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { batchNorm3d, dropout, resizeTrilinear, stopGradient, valueAndGradients } from "./index.js";

test("the example of the README does what it says", () => {
  const image = randomUniform([1, 4, 4, 4, 2], -1, 1, "float32", 1) as Tensor5D;
  const scale = ones([2]) as Tensor1D;
  const { value, aux, gradients } = valueAndGradients(() => {
    const { y, mean: average } = batchNorm3d(image, scale, zeros([2]) as Tensor1D);
    const student = dropout(y, 0.5, scalar(17));
    const teacher = stopGradient(resizeTrilinear(resizeTrilinear(y, [2, 2, 2]), [4, 4, 4]));
    return { value: mean(square(sub(student, teacher))) as Scalar, aux: { average } };
  }, [image, scale]);

  expect(value.dataSync()[0]).toBeGreaterThan(0);
  expect(aux.average.shape).toEqual([2]);
  expect(gradients.map(({ shape }) => shape)).toEqual([image.shape, [2]]);
  expect(gradients[0]?.dataSync().some((slope) => slope !== 0)).toBe(true);
});

test("the example of the README is the one tested", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const source = readFileSync(new URL(import.meta.url), "utf8").replace(/[\s,]+/g, "");
  const [, example = ""] = readme.match(/```ts\n([\s\S]*?)```/) ?? [];
  const code = example.split("\n").filter((line) => line !== "" && !/^(import|\/\/)/.test(line));
  expect(code.length).toBeGreaterThan(0);
  expect(source).toContain(code.join("").replace(/[\s,]+/g, ""));
});
