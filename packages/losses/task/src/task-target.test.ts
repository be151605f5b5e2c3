import "@plseg/test-kit";
import { ones, type Tensor2D, type Tensor5D, tensor, tensor2d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { taskTarget } from "./task-target.js";

describe("taskTarget", () => {
  const target = {
    oneHot: tensor([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0], [2, 1, 1, 2, 3]) as Tensor5D, // labels 0, 1 and 2, 1
    annotated: tensor2d([
      [1, 1, 0],
      [1, 0, 1],
    ]),
  };

  test("selects the organ of each sample's task", () => {
    const task = tensor2d([
      [0, 1, 0],
      [0, 1, 0],
    ]);
    const { oneHot, annotated } = taskTarget(target, task);
    expect(oneHot.shape).toEqual([2, 1, 1, 2, 1]);
    expect([...oneHot.dataSync()]).toEqual([0, 1, 0, 1]);
    expect(annotated.arraySync()).toEqual([[1], [0]]);
  });

  test("says which shapes disagree", () => {
    expect(() => taskTarget(target, ones([2, 2]) as Tensor2D)).toThrow(
      "taskTarget: task and target.annotated must have the same shape, got [2, 2] and [2, 3].",
    );
  });
});
