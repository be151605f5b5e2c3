import { drawWeights, flatLayout, flatWeights, listWeights, plSegUnet } from "@plseg/models";
import "@plseg/test-kit";
import { type Tensor5D, tensor1d, tensor5d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { bundleNetwork } from "./bundle-network.js";

const described = { kind: "plSegUnet", features: [2, 4], dropout: [0], inChannels: 1, deepSupervision: false } as const;

describe("bundleNetwork", () => {
  test("brings images from the window's range to the one that the network has learned from", () => {
    const network = plSegUnet({ classes: 2, ...described });
    const layout = flatLayout(listWeights(network, [1, 2, 2, 2, 1]));
    const { parameters, buffers } = layout.pack(drawWeights([...layout.parameters, ...layout.buffers], 1));
    const { weights } = flatWeights(layout, tensor1d(parameters), tensor1d(buffers));
    const run = (net: typeof network, image: number[]): number[] => [
      ...(net(weights, tensor5d(image, [1, 2, 2, 2, 1]), { training: false })[0] as Tensor5D).dataSync(),
    ];
    const windowed = [-1, -0.5, 0, 0.25, 0.5, 1, -1, 0];
    const fromZero = windowed.map((value) => (value + 1) / 2);
    expect(run(bundleNetwork({ ...described, imageRange: [0, 1] }, 2), windowed)).toEqual(run(network, fromZero));
    expect(run(bundleNetwork(described, 2), windowed)).toEqual(run(network, windowed));
  });
});
