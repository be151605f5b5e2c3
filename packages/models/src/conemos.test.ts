import "@plseg/test-kit";
import { valueAndGradients } from "@plseg/ops";
import {
  mean,
  ones,
  randomUniform,
  type Scalar,
  square,
  type Tensor5D,
  tensor1d,
  tensor2d,
} from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { conemos } from "./conemos.js";
import { flatLayout } from "./flat-layout.js";
import { type FlatWeights, flatWeights } from "./flat-weights.js";
import { listWeights } from "./list-weights.js";
import { drawWeights } from "./weight-spec.js";

const { oneTask, allClasses } = conemos({ classes: 4, features: [2, 3, 4] });
const specs = listWeights(allClasses, [1, 4, 4, 4, 1]);
const layout = flatLayout(specs);
const image = randomUniform([2, 4, 8, 4, 1], -1, 1, "float32", 1) as Tensor5D;
const task = tensor2d([
  [0, 1, 0, 0],
  [0, 0, 0, 1],
]);

function drawn(): FlatWeights {
  const { parameters, buffers } = layout.pack(drawWeights(specs, 7));
  return flatWeights(layout, tensor1d(parameters), tensor1d(buffers));
}

describe("conemos", () => {
  test("gives one logit for the organ asked for in each sample", () => {
    expect(oneTask(drawn().weights, image, task, { training: false }).shape).toEqual([2, 4, 8, 4, 1]);
  });

  test("gives every organ's logit behind a background of 0", () => {
    const [logits] = allClasses(drawn().weights, image, { training: false }) as [Tensor5D];
    expect(logits.shape).toEqual([2, 4, 8, 4, 4]);
    const asked = oneTask(drawn().weights, image, task, { training: false }).dataSync();
    const values = logits.dataSync();
    const voxels = 4 * 8 * 4;
    for (let v = 0; v < 2 * voxels; v++) {
      expect(values[4 * v]).toBe(0);
      expect(values[4 * v + (v < voxels ? 1 : 3)]).toBeCloseTo(asked[v] as number, 5);
    }
  });

  test("names its weights by place", () => {
    const names = specs.map(({ name }) => name);
    expect(names.slice(0, 2)).toEqual(["condition.0.weight", "condition.0.bias"]);
    expect(names).toContain("encoder.2.1.film.weight");
    expect(names).toContain("decoder.0.up.bias");
    expect(names.slice(-2)).toEqual(["head.weight", "head.bias"]);
    expect(specs.find(({ name }) => name === "condition.0.weight")?.shape).toEqual([3, 64]);
  });

  test("has a gradient for every parameter, FiLM layers too, and leaves the task as it was", () => {
    const { weights, tensors } = drawn();
    const { gradients } = valueAndGradients(() => {
      const value = mean<Scalar>(square(oneTask(weights, image, task, { training: true })));
      return { value, aux: {} };
    }, tensors);
    const idle = layout.parameters.filter((_, i) => gradients[i]?.dataSync().every((value) => value === 0));
    expect(idle.map(({ name }) => name)).toEqual([]);
    expect(task.shape).toEqual([2, 4]);
  });

  test("moves its running statistics once for each organ when it trains on all", () => {
    const [single, all] = [drawn(), drawn()];
    oneTask(single.weights, image, task, { training: true });
    allClasses(all.weights, image, { training: true });
    // the first norm sees the same image each time: 1 → 0.9 + 0.1 v, and so on, three times
    const { offset } = layout.buffers.find(({ name }) => name === "encoder.0.0.norm.running_var") as { offset: number };
    const once = single.nextBuffers().dataSync()[offset] as number;
    const variance = (once - 0.9) / 0.1;
    expect(all.nextBuffers().dataSync()[offset]).toBeCloseTo(0.9 ** 3 + (1 - 0.9 ** 3) * variance, 5);
  });

  test("says what does not fit", () => {
    const { weights } = drawn();
    const run =
      (shape: number[], columns = 4) =>
      () =>
        oneTask(weights, ones(shape as Tensor5D["shape"]), ones([shape[0] as number, columns]), { training: false });
    expect(run([1, 6, 8, 8, 1])).toThrow("conemos: depth, height and width must be multiples of 4, got [6, 8, 8].");
    expect(run([1, 8, 8, 8, 2])).toThrow("conemos: image must have 1 channel in its last axis, got [1, 8, 8, 8, 2].");
    expect(run([1, 8, 8, 8, 1], 3)).toThrow(
      "conemos: task and [batch, class] must have the same shape, got [1, 3] and [1, 4].",
    );
    expect(() => conemos({ classes: 1 })).toThrow("conemos: classes must be a whole number of at least 2, got 1.");
  });
});
