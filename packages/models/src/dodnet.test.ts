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
import { dodnet } from "./dodnet.js";
import { flatLayout } from "./flat-layout.js";
import { type FlatWeights, flatWeights } from "./flat-weights.js";
import { listWeights } from "./list-weights.js";
import { drawWeights } from "./weight-spec.js";

const { oneTask, allClasses } = dodnet({ classes: 4, features: [2, 4, 6], groups: 2 });
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

describe("dodnet", () => {
  test("gives one logit for the organ asked for in each sample", () => {
    expect(oneTask(drawn().weights, image, task, { training: true }).shape).toEqual([2, 4, 8, 4, 1]);
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

  test("runs its trunk once for all organs", () => {
    const counts = new Map<string, number>();
    const { weights } = drawn();
    const counted = (prefix: string, inner = weights): typeof weights => ({
      ...inner,
      get(name, shape, initializer) {
        counts.set(prefix + name, (counts.get(prefix + name) ?? 0) + 1);
        return inner.get(name, shape, initializer);
      },
      at: (place) => counted(`${prefix}${place}.`, inner.at(place)),
    });
    allClasses(counted(""), image, { training: false });
    expect(counts.get("controller.weight")).toBe(3);
    expect([...counts.keys()].filter((name) => counts.get(name) !== 1)).toEqual([
      "controller.weight",
      "controller.bias",
    ]);
  });

  test("names its weights by place", () => {
    const names = specs.map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(["stem.weight", "encoder.0.0.0.norm.weight", "encoder.0.0.0.norm.bias"]);
    expect(names).toContain("encoder.1.0.skip.weight");
    expect(names).toContain("decoder.1.0.weight");
    expect(names.slice(-2)).toEqual(["controller.weight", "controller.bias"]);
    // 4 channels of the fusion and 3 organs; 8 · 8 + 8 · 8 + 8 weights and 8 + 8 + 1 biases
    expect(specs.find(({ name }) => name === "controller.weight")?.shape).toEqual([4 + 3, 153]);
    expect(layout.buffers).toEqual([]);
  });

  test("has a gradient for every parameter, and leaves the task as it was", () => {
    const { weights, tensors } = drawn();
    const { gradients } = valueAndGradients(() => {
      const value = mean<Scalar>(square(oneTask(weights, image, task, { training: true })));
      return { value, aux: {} };
    }, tensors);
    const idle = layout.parameters.filter((_, i) => gradients[i]?.dataSync().every((value) => value === 0));
    expect(idle.map(({ name }) => name)).toEqual([]);
    expect(task.shape).toEqual([2, 4]);
  });

  test("says what does not fit", () => {
    const { weights } = drawn();
    const run =
      (shape: number[], columns = 4) =>
      () =>
        oneTask(weights, ones(shape as Tensor5D["shape"]), ones([shape[0] as number, columns]), { training: false });
    expect(run([1, 6, 8, 8, 1])).toThrow("dodnet: depth, height and width must be multiples of 4, got [6, 8, 8].");
    expect(run([1, 8, 8, 8, 1], 3)).toThrow(
      "dodnet: task and [batch, class] must have the same shape, got [1, 3] and [1, 4].",
    );
    expect(() => dodnet({ classes: 3, features: [16, 24] })).toThrow(
      "dodnet: features must be multiples of the 16 groups, got [16, 24].",
    );
  });
});
