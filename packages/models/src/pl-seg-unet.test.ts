import "@plseg/test-kit";
import { valueAndGradients } from "@plseg/ops";
import {
  add,
  mean,
  ones,
  randomUniform,
  type Scalar,
  scalar,
  square,
  type Tensor,
  type Tensor5D,
  tensor1d,
} from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { flatLayout } from "./flat-layout.js";
import { type FlatWeights, flatWeights } from "./flat-weights.js";
import { listWeights } from "./list-weights.js";
import { type PlSegUnetConfig, plSegUnet } from "./pl-seg-unet.js";
import { drawWeights, storedShape } from "./weight-spec.js";

const config: PlSegUnetConfig = { classes: 3, features: [2, 4, 6], dropout: [0, 0.5] };
const network = plSegUnet(config);
const specs = listWeights(network, [1, 4, 4, 4, 1]);
const layout = flatLayout(specs);
const image = randomUniform([2, 8, 4, 4, 1], -1, 1, "float32", 1) as Tensor5D;

function drawn(seed = 7): FlatWeights {
  const { parameters, buffers } = layout.pack(drawWeights(specs, seed));
  return flatWeights(layout, tensor1d(parameters), tensor1d(buffers));
}

describe("plSegUnet", () => {
  test("gives logits at every scale, or at the full one only", () => {
    const shapes = (outputs: Tensor[]): number[][] => outputs.map(({ shape }) => shape);
    expect(shapes(network(drawn().weights, image, { training: false }))).toEqual([
      [2, 8, 4, 4, 3],
      [2, 4, 2, 2, 3],
      [2, 2, 1, 1, 3],
    ]);
    const plain = plSegUnet({ ...config, deepSupervision: false });
    expect(shapes(plain(drawn().weights, image, { training: false }))).toEqual([[2, 8, 4, 4, 3]]);
  });

  test("gives at most four scales", () => {
    const deep = plSegUnet({ classes: 2, features: [1, 1, 1, 1, 1] });
    const heads = listWeights(deep, [1, 16, 16, 16, 1]).filter(({ name }) => /^head\.\d\.weight$/.test(name));
    expect(heads.map(({ name }) => name)).toEqual([0, 1, 2, 3].map((scale) => `head.${scale}.weight`));
  });

  test("names its weights by place", () => {
    const names = specs.map(({ name }) => name);
    expect(names.slice(0, 6)).toEqual([
      "encoder.0.0.weight",
      "encoder.0.0.norm.weight",
      "encoder.0.0.norm.bias",
      "encoder.0.0.norm.running_mean",
      "encoder.0.0.norm.running_var",
      "encoder.0.1.weight",
    ]);
    expect(names).toContain("decoder.1.up.bias");
    expect(names.slice(-2)).toEqual(["head.2.weight", "head.2.bias"]);
    expect(specs.find(({ name }) => name === "decoder.0.0.weight")?.shape).toEqual([3, 3, 3, 4, 2]);
  });

  test("has the published number of parameters, less the biases that a batch norm cancels", () => {
    const count = (features: number[], deepSupervision: boolean): number =>
      flatLayout(listWeights(plSegUnet({ classes: 17, features, deepSupervision }), [1, 8, 8, 8, 1])).parameterCount;
    // two convolutions per block: 16, 32, 64, 128 channels in the encoder and 64, 32, 16 in the decoder
    const canceled = 2 * (16 + 32 + 64 + 128 + 64 + 32 + 16);
    expect(count([16, 32, 64, 128], true)).toBe(1_330_836 - canceled);
    expect(count([16, 32, 64, 128], false)).toBe(1_326_977 - canceled);
  });

  test("has a gradient for every parameter", () => {
    const { weights, tensors } = drawn();
    const { gradients } = valueAndGradients(() => {
      const outputs = network(weights, image, { training: true, seed: scalar(3) });
      return { value: outputs.map((h) => mean<Scalar>(square(h))).reduce((a, b) => add(a, b)), aux: {} };
    }, tensors);
    for (const [i, gradient] of gradients.entries())
      expect(
        gradient.dataSync().some((value) => value !== 0),
        layout.parameters[i]?.name,
      ).toBe(true);
  });

  test("drops out in training only, by the seed", () => {
    const run = (training: boolean, seed?: number): number[] => {
      const mode = seed === undefined ? { training } : { training, seed: scalar(seed) };
      return [...(network(drawn().weights, image, mode)[0] as Tensor5D).dataSync()];
    };
    expect(run(true, 1)).toEqual(run(true, 1));
    expect(run(true, 1)).not.toEqual(run(true, 2));
    expect(run(true, 1)).not.toEqual(run(true));
    expect(run(false, 1)).toEqual(run(false));
  });

  test("moves its running statistics in training only", () => {
    const [evaluated, trained] = [drawn(), drawn()];
    network(evaluated.weights, image, { training: false });
    network(trained.weights, image, { training: true });
    const before = layout.pack(drawWeights(specs, 7)).buffers;
    expect([...evaluated.nextBuffers().dataSync()]).toEqual([...before]);
    const after = trained.nextBuffers().dataSync();
    for (const { name, offset, size } of layout.buffers)
      expect([...after.slice(offset, offset + size)], name).not.toEqual([...before.slice(offset, offset + size)]);
  });

  test("learns to double its features if asked to, by kernels that are stored as PyTorch stores them", () => {
    const deconv = plSegUnet({ ...config, upsample: "deconv" });
    const kernel = listWeights(deconv, [1, 4, 4, 4, 1]).find(({ name }) => name === "decoder.0.up.weight");
    expect(kernel?.shape).toEqual([2, 2, 2, 2, 4]); // 4 → 2 channels
    expect(storedShape(kernel?.shape ?? [])).toEqual([4, 2, 2, 2, 2]); // [in, out, …]
  });

  test("says which sizes it cannot halve", () => {
    const odd = ones([1, 6, 8, 8, 1]) as Tensor5D;
    expect(() => network(drawn().weights, odd, { training: false })).toThrow(
      "plSegUnet: depth, height and width must be multiples of 4, got [6, 8, 8]. Pad the image or choose another patch size.",
    );
  });

  test.each([
    [{ classes: 1 }, "plSegUnet: classes must be a whole number of at least 2, got 1."],
    [{ classes: 2, inChannels: 0 }, "plSegUnet: inChannels must be a whole number of at least 1, got 0."],
    [{ classes: 2, features: [4] }, "plSegUnet: features must be at least two whole numbers above 0, got [4]."],
    [{ classes: 2, dropout: [1] }, "plSegUnet: each dropout must lie in [0, 1), got [1]."],
  ])("refuses %o", (config, message) => {
    expect(() => plSegUnet(config)).toThrow(message);
  });
});
