import "@plseg/test-kit";
import { valueAndGradients } from "@plseg/ops";
import {
  add,
  mean,
  ones,
  randomUniform,
  type Scalar,
  square,
  type Tensor5D,
  tensor1d,
  zeros,
} from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { flatLayout } from "./flat-layout.js";
import { flatWeights } from "./flat-weights.js";
import { listWeights } from "./list-weights.js";
import { pipoFan } from "./pipo-fan.js";
import { drawWeights } from "./weight-spec.js";

const image = randomUniform([2, 8, 4, 4, 1], -1, 1, "float32", 1) as Tensor5D;

function drawn(fusion: boolean) {
  const network = pipoFan({ classes: 3, features: [2, 4, 3], fusion });
  const specs = listWeights(network, [1, 4, 4, 4, 1]);
  const layout = flatLayout(specs);
  const { parameters, buffers } = layout.pack(drawWeights(specs, 7));
  return { network, specs, layout, ...flatWeights(layout, tensor1d(parameters), tensor1d(buffers)) };
}

describe("pipoFan", () => {
  test("gives fused logits, or those of every level, all at full resolution", () => {
    for (const [fusion, count] of [
      [true, 1],
      [false, 3],
    ] as const) {
      const { network, weights } = drawn(fusion);
      const outputs = network(weights, image, { training: false });
      expect(outputs.map(({ shape }) => shape)).toEqual(Array(count).fill([2, 8, 4, 4, 3]));
    }
  });

  test("fuses by shares that sum to one in each sample", () => {
    const { network, weights } = drawn(true);
    // where every level says the same, so does their mean: all heads constant, by a kernel of zeros and one bias
    const constant = (prefix: string, inner = weights): typeof weights => ({
      ...inner,
      get(name, shape, initializer) {
        if (/^head\.\d\.weight$/.test(prefix + name)) return zeros([...shape]);
        if (/^head\.\d\.bias$/.test(prefix + name)) return tensor1d([1, -2, 3]);
        return inner.get(name, shape, initializer);
      },
      at: (place) => constant(`${prefix}${place}.`, inner.at(place)),
    });
    const [logits] = network(constant(""), image, { training: false }) as [Tensor5D];
    for (const [i, value] of logits.dataSync().entries()) expect(value).toBeCloseTo([1, -2, 3][i % 3] as number, 5);
  });

  test("names its weights by place", () => {
    const names = drawn(true).specs.map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(["stem.0.weight", "stem.1.norm.weight", "stem.1.norm.bias"]);
    expect(names).toContain("lateral.2.0.skip.weight");
    expect(names).toContain("output.2.1.1.weight");
    expect(names).toContain("head.2.bias");
    expect(names.at(-1)).toBe("attention.1.weight");
    expect(drawn(false).specs.some(({ name }) => name.startsWith("attention"))).toBe(false);
    // as many channels behind as in front: nothing to bridge
    expect(names.some((name) => name.startsWith("encoder.1.skip"))).toBe(false);
  });

  test.each([true, false])("has a gradient for every parameter, fusion %s", (fusion) => {
    const { network, weights, tensors, layout } = drawn(fusion);
    const { gradients } = valueAndGradients(() => {
      const outputs = network(weights, image, { training: true });
      return { value: outputs.map((h) => mean<Scalar>(square(h))).reduce((a, b) => add(a, b)), aux: {} };
    }, tensors);
    const idle = layout.parameters.filter((_, i) => gradients[i]?.dataSync().every((value) => value === 0));
    expect(idle.map(({ name }) => name)).toEqual([]);
  });

  test("moves the running statistics of its stem once for each scale", () => {
    const { network, weights, nextBuffers, layout } = drawn(true);
    const set: string[] = [];
    const counted = (prefix: string, inner = weights): typeof weights => ({
      ...inner,
      setBuffer(name, value) {
        set.push(prefix + name);
        inner.setBuffer(name, value);
      },
      at: (place) => counted(`${prefix}${place}.`, inner.at(place)),
    });
    network(counted(""), image, { training: true });
    expect(set.filter((name) => name === "stem.1.norm.running_mean")).toHaveLength(3);
    expect(set.filter((name) => name === "encoder.1.0.norm.running_mean")).toHaveLength(1);
    expect(nextBuffers().size).toBe(layout.bufferCount);
  });

  test("says what does not fit", () => {
    const { network, weights } = drawn(true);
    expect(() => network(weights, ones([1, 6, 8, 8, 1]) as Tensor5D, { training: false })).toThrow(
      "pipoFan: depth, height and width must be multiples of 4, got [6, 8, 8].",
    );
    expect(() => pipoFan({ classes: 3, features: [4] })).toThrow(
      "pipoFan: features must be at least two whole numbers above 0, got [4].",
    );
  });
});
