// Our side of `pnpm bench step`: one PL-Seg training step, compiled, on the CPU. Prints one line of JSON.
import { parseArgs } from "node:util";
import { Random } from "@plseg/core";
import { drawWeights, plSegUnet } from "@plseg/models";
import { createEngine } from "@plseg/runtime";
import { adam, describeNetwork, methods, trainStep } from "@plseg/train";
import * as ort from "onnxruntime-node";
import { CLASSES, drawTarget, product, report, sizeOf } from "./measure.mjs";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "64" },
    batch: { type: "string", default: "1" },
    threads: { type: "string", default: "1" },
    steps: { type: "string", default: "5" },
    warmup: { type: "string", default: "2" },
  },
});
const patchSize = sizeOf(values.size);
const batch = Number(values.batch);
const voxels = batch * product(patchSize);

const network = plSegUnet({ classes: CLASSES });
const { layout, scales } = describeNetwork(network);
const objective = methods["pl-seg"].objective({ classes: CLASSES, scales });
const step = trainStep({ network, objective, classes: CLASSES, optimizer: adam(), patchSize, batch });
const engine = createEngine({ ort, threads: Number(values.threads) });
const compiled = await engine.compile(step.fn, step.inputs);

const random = new Random(1);
const { labels, annotated } = drawTarget(random, batch, voxels);
const image = Float32Array.from({ length: voxels }, () => random.uniform(-1, 1));

let state = Object.fromEntries(
  Object.entries(step.state).map(([name, { shape }]) => [
    name,
    new Float32Array(product(shape)).fill(name.startsWith("loss.") ? -1 : 0),
  ]),
);
const weights = layout.pack(drawWeights([...layout.parameters, ...layout.buffers], 1));
state = { ...state, ...weights };

const times = [];
for (let k = 1; k <= Number(values.warmup) + Number(values.steps); k++) {
  const started = performance.now();
  const outputs = await compiled.run({
    ...state,
    image,
    labels,
    annotated,
    learningRate: Float32Array.of(0.01),
    step: Float32Array.of(k),
    progress: Float32Array.of(0.5),
    seed: Float32Array.of(k),
  });
  if (k > Number(values.warmup)) times.push(performance.now() - started);
  const [loss] = await outputs.loss.read();
  if (!Number.isFinite(loss)) throw new Error(`bench step: the loss of step ${k} is ${loss}.`);
  for (const tensor of Object.values(state)) if ("dispose" in tensor) tensor.dispose();
  state = Object.fromEntries(Object.keys(step.state).map((name) => [name, outputs[name]]));
}

report(times);
