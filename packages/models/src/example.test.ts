import "@plseg/test-kit";
import { readFileSync } from "node:fs";
import { ones, type Tensor5D, tensor1d } from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import {
  drawWeights,
  flatLayout,
  flatWeights,
  listWeights,
  plSegUnet,
  readSafetensors,
  storedShape,
  writeSafetensors,
} from "./index.js";

test("the example of the README does what it says", () => {
  const image = ones([1, 8, 8, 4, 1]) as Tensor5D;
  const network = plSegUnet({ classes: 5, features: [4, 8, 16] });
  const specs = listWeights(network, [1, 4, 4, 4, 1]);
  const layout = flatLayout(specs);
  const drawn = drawWeights(specs, 42);

  const { parameters, buffers } = layout.pack(drawn);
  const { weights } = flatWeights(layout, tensor1d(parameters), tensor1d(buffers));
  const logits = network(weights, image, { training: false }); // full, half and quarter resolution

  const file = writeSafetensors(
    new Map(
      specs.map(({ name, shape }) => [
        name,
        { dtype: "F32" as const, shape: storedShape(shape), data: drawn.get(name) as Float32Array },
      ]),
    ),
    { network: "plSegUnet" },
  );

  expect(logits.map(({ shape }) => shape)).toEqual([
    [1, 8, 8, 4, 5],
    [1, 4, 4, 2, 5],
    [1, 2, 2, 1, 5],
  ]);
  const { tensors, metadata } = readSafetensors(file);
  expect(metadata).toEqual({ network: "plSegUnet" });
  expect(tensors.get("encoder.0.0.weight")).toEqual({
    dtype: "F32",
    shape: [4, 1, 3, 3, 3],
    data: drawn.get("encoder.0.0.weight"),
  });
});

test("the example of the README is the one tested", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const source = readFileSync(new URL(import.meta.url), "utf8").replace(/[\s,]+/g, "");
  const [, example = ""] = readme.match(/```ts\n([\s\S]*?)```/) ?? [];
  const code = example.split("\n").filter((line) => line !== "" && !/^(import|\/\/)/.test(line));
  expect(code.length).toBeGreaterThan(0);
  expect(source).toContain(code.join("").replace(/[\s,]+/g, ""));
});
