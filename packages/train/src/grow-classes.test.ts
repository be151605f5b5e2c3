import "@plseg/test-kit";
import { drawWeights, flatLayout, flatWeights, listWeights, plSegUnet } from "@plseg/models";
import { ones, softmax, type Tensor5D, tensor1d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { growClasses } from "./grow-classes.js";

/** Softmax of a network at the first voxel of some image, with weights in stored order. */
function probabilities(classes: number, weights: ReadonlyMap<string, Float32Array>, scale: number): number[] {
  const network = plSegUnet({ classes, features: [2, 3] });
  const layout = flatLayout(listWeights(network, [1, 4, 4, 4, 1]));
  const { parameters, buffers } = layout.pack(weights);
  const store = flatWeights(layout, tensor1d(parameters), tensor1d(buffers)).weights;
  const logits = network(store, ones([1, 4, 4, 4, 1]), { training: false })[scale] as Tensor5D;
  return [...softmax(logits).dataSync().slice(0, classes)];
}

describe("growClasses", () => {
  const old = drawWeights(listWeights(plSegUnet({ classes: 3, features: [2, 3] }), [1, 4, 4, 4, 1]), 1);

  test.each([0, 1])("shares the background's probability with the new organs, scale %i", (scale) => {
    const [background = 0, ...organs] = probabilities(3, old, scale);
    const grown = probabilities(5, growClasses(old, { from: 3, to: 5 }), scale);
    for (const [i, expected] of [background / 3, ...organs, background / 3, background / 3].entries())
      expect(grown[i]).toBeCloseTo(expected, 6);
  });

  test("changes no weight outside the heads, nor any that it was given", () => {
    const before = new Map([...old].map(([name, values]) => [name, values.slice()]));
    const grown = growClasses(old, { from: 3, to: 4 });
    expect(old).toEqual(before);
    for (const [name, values] of old) if (!name.startsWith("head.")) expect(grown.get(name)).toEqual(values);
    expect(growClasses(old, { from: 3, to: 3 })).toEqual(old);
  });
});
