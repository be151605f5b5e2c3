import { DataError, Random } from "@plseg/core";
import { drawWeights, flatLayout, listWeights, plSegUnet } from "@plseg/models";
import { expectClose } from "@plseg/test-kit";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { createEngine } from "./create-engine.js";
import { exportModel } from "./export-model.js";
import { inferenceFunction } from "./inference-function.js";

const CLASSES = 3;
const VOXELS = 8 * 8 * 12;
const patchSize = [8, 8, 12] as const;
const network = plSegUnet({ classes: CLASSES, features: [2, 4] });
const specs = listWeights(network, [1, 8, 8, 8, 1]);
const layout = flatLayout(specs);
const random = Random.of("export");
/** Every weight at random, running statistics too, so that none can be mistaken for its default. */
const weights = new Map(
  [...drawWeights(specs, 1)].map(([name, values]) => [
    name,
    /norm|bias/.test(name) ? values.map(() => random.uniform(0.5, 1.5)) : values,
  ]),
);
const image = Float32Array.from({ length: VOXELS }, () => random.uniform(-1, 1));

/** Probabilities `[class, depth, height, width]` of the network with its weights as inputs. */
async function predicted(engine: "tfjs" | "compiled"): Promise<ArrayLike<number>> {
  const fn = await createEngine({ engine, ort, threads: 1 }).compile(
    inferenceFunction(network, layout),
    {
      image: { shape: [1, ...patchSize, 1], layout: "channels-first" },
      parameters: { shape: [layout.parameterCount] },
      buffers: { shape: [layout.bufferCount] },
    },
    { outputLayouts: { probabilities: "channels-first" } },
  );
  const { probabilities } = await fn.run({ image, ...layout.pack(weights) });
  const values = (await probabilities?.read()) ?? [];
  await fn.dispose();
  return values;
}

describe("inferenceFunction", () => {
  test("gives the same probabilities on both engines, which sum to 1", async () => {
    const [eager, compiled] = [await predicted("tfjs"), await predicted("compiled")];
    expectClose("probabilities", compiled, eager, { absolute: 1e-5 });
    const sums = Array.from({ length: VOXELS }, (_, v) =>
      [0, 1, 2].reduce((sum, c) => sum + (eager[c * VOXELS + v] ?? 0), 0),
    );
    expectClose("sums", sums, new Array(VOXELS).fill(1), { absolute: 1e-5 });
  });
});

describe("exportModel", () => {
  test("writes a graph that predicts what the network predicts", async () => {
    const session = await ort.InferenceSession.create(exportModel({ network, weights, patchSize }));
    expect([session.inputNames, session.outputNames]).toEqual([["image"], ["probabilities"]]);
    const { probabilities } = await session.run({ image: new ort.Tensor("float32", image, [1, 1, ...patchSize]) });
    expect(probabilities?.dims).toEqual([1, CLASSES, ...patchSize]);
    expectClose("probabilities", probabilities?.data as Float32Array, await predicted("tfjs"), { absolute: 1e-5 });
    await session.release();
  });

  test("names a weight that is missing, superfluous or of another size", () => {
    const name = "encoder.0.1.weight";
    const without = new Map(weights);
    without.delete(name);
    expect(() => exportModel({ network, weights: without, patchSize })).toThrow(`the weight "${name}" is missing`);
    expect(() =>
      exportModel({ network, weights: new Map(weights).set("extra", new Float32Array(1)), patchSize }),
    ).toThrow(new DataError('exportModel: the network has no weight "extra".'));
    expect(() => exportModel({ network, weights: new Map(weights).set(name, new Float32Array(5)), patchSize })).toThrow(
      `the weight "${name}" must have 108 values ([3, 3, 3, 2, 2]), got 5.`,
    );
  });
});
