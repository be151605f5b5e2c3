import { dodnet, drawWeights, flatLayout, listWeights } from "@plseg/models";
import { channelsLast, expectClose, golden } from "@plseg/test-kit";
import { randomUniform, type Tensor2D, type Tensor5D, tensor1d, tensor2d } from "@tensorflow/tfjs-core";
import { describe, test } from "vitest";
import { type Arrays, type Engine, engines, type Tensors } from "./engines.js";
import { output } from "./golden-tensors.js";
import { checkNetworkCase } from "./network-case.js";
import { referenceConditional, taskOf } from "./reference-conditional.js";
import { type ReferenceNetwork, train } from "./reference-network.js";

const cases = [
  { name: "net_dodnet", weightStandardization: true },
  { name: "net_dodnet_nows", weightStandardization: false },
];

/**
 * | reference | here |
 * | --- | --- |
 * | `conv1`, `layer<k>.<b>` | `stem`, `encoder.<k>.<b>` |
 * | `….gn<k>`, `….conv<k>` | `….<k − 1>.norm`, `….<k − 1>` |
 * | `….downsample.0`, `….downsample.2` | `….skip.norm`, `….skip` |
 * | `fusionConv`, `GAP`, `precls_conv` (`.0`, `.2`) | `fusion`, `controller`, `head` (`.norm`, nothing) |
 * | `x<n>_resb.0` | `decoder.<log₂ n>` |
 */
const ourName = (reference: string): string =>
  reference
    .replace(/^conv1\./, "stem.")
    .replace(/^layer(\d)\./, "encoder.$1.")
    .replace(/^x(\d)_resb\.0\./, (_, scale) => `decoder.${Math.log2(Number(scale))}.`)
    .replace(/gn(\d)\./, (_, k) => `${Number(k) - 1}.norm.`)
    .replace(/conv(\d)\./, (_, k) => `${Number(k) - 1}.`)
    .replace(/^fusionConv\./, "fusion.")
    .replace(/^GAP\./, "controller.")
    .replace(/^precls_conv\./, "head.")
    .replace(/downsample\./, "skip.")
    .replace(/^(fusion|controller|head|.*\.skip)\.0\.(weight|bias)$/, "$1.norm.$2")
    .replace(/^(fusion|head|.*\.skip)\.2\.(weight|bias)$/, "$1.$2");

const [eager, compiled] = ["eager", "compiled"].map((name) => engines.find((engine) => engine.name === name)) as [
  Engine,
  Engine,
];

// The published network is the only size of the cases, and too much for the CPU backend of TensorFlow.js in a test.
describe("dodnet", () => {
  test.each(cases)(
    "agrees with case $name, compiled",
    { timeout: 600_000 },
    async ({ name, weightStandardization }) => {
      const vectors = golden(name);
      const task = taskOf(vectors);
      const network = dodnet({ classes: task.shape[1] as number, weightStandardization });
      const reference = referenceConditional(network, vectors, { ourName });
      await checkNetworkCase(compiled.run, vectors, reference, { image: channelsLast(vectors.array("input")), task });
    },
  );

  test.each([true, false])(
    "gives eagerly what it gives compiled, weightStandardization %s",
    async (weightStandardization) => {
      const { oneTask, allClasses } = dodnet({ classes: 4, features: [4, 8, 8], groups: 4, weightStandardization });
      const specs = listWeights(allClasses, [1, 4, 4, 4, 1]);
      const layout = flatLayout(specs);
      const { parameters, buffers } = layout.pack(drawWeights(specs, 11));
      const run: ReferenceNetwork["run"] = (weights, { image, task }, mode) => [
        oneTask(weights, image as Tensor5D, task as Tensor2D, mode),
        ...allClasses(weights, image as Tensor5D, mode),
      ];
      const network = { run, layout, parameters, buffers, ourName, foldedBiases: new Map() };
      const inputs = {
        image: randomUniform([2, 8, 8, 4, 1], -1, 1, "float32", 5),
        task: tensor2d([0, 1, 0, 0, 0, 0, 0, 1], [2, 4]),
        parameters: tensor1d(parameters),
        buffers: tensor1d(buffers),
      };
      const [ours, theirs] = (await Promise.all(
        [eager, compiled].map((engine) => engine.run((inputs: Tensors) => train(network, inputs), inputs)),
      )) as [Arrays, Arrays];
      for (const name of ["out1", "out2", "loss", "gradImage", "gradParameters"])
        expectClose(name, output(ours, name).data, output(theirs, name).data, { ofMax: 1e-5 });
    },
  );
});
