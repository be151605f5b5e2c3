// Our side of `pnpm bench step`: one PL-Seg training step, compiled, on the CPU. Prints one line of JSON.
import { parseArgs } from "node:util";
import { Random } from "@plseg/core";
import { drawWeights, plSegUnet } from "@plseg/models";
import { createEngine } from "@plseg/runtime";
import { adam, describeNetwork, methods, trainStep } from "@plseg/train";
import * as ort from "onnxruntime-node";

const CLASSES = 17;
const ANNOTATED = 4;

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "64" },
    batch: { type: "string", default: "1" },
    threads: { type: "string", default: "1" },
    steps: { type: "string", default: "5" },
    warmup: { type: "string", default: "2" },
  },
});
const sizes = values.size.split(",").map(Number);
const patchSize = sizes.length === 3 ? sizes : [sizes[0], sizes[0], sizes[0]];
const batch = Number(values.batch);
const voxels = batch * patchSize.reduce((product, size) => product * size, 1);

const network = plSegUnet({ classes: CLASSES });
const { layout, scales } = describeNetwork(network);
const objective = methods["pl-seg"].objective({ classes: CLASSES, scales });
const step = trainStep({ network, objective, classes: CLASSES, optimizer: adam(), patchSize, batch });
const engine = createEngine({ ort, threads: Number(values.threads) });
const compiled = await engine.compile(step.fn, step.inputs);

const random = new Random(1);
const annotated = new Float32Array(batch * CLASSES);
for (let n = 0; n < batch; n++) {
  annotated[n * CLASSES] = 1;
  const organs = random.shuffle(Array.from({ length: CLASSES - 1 }, (_, i) => i + 1));
  for (const organ of organs.slice(0, ANNOTATED)) annotated[n * CLASSES + organ] = 1;
}
const labels = Int32Array.from({ length: voxels }, (_, v) => {
  const label = random.integer(CLASSES);
  return annotated[Math.floor((v * batch) / voxels) * CLASSES + label] ? label : 0;
});
const image = Float32Array.from({ length: voxels }, () => random.uniform(-1, 1));

let state = Object.fromEntries(
  Object.entries(step.state).map(([name, { shape }]) => [
    name,
    new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(name.startsWith("loss.") ? -1 : 0),
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

const sorted = [...times].sort((a, b) => a - b);
console.log(
  JSON.stringify({
    median_ms: sorted[sorted.length >> 1],
    min_ms: sorted[0],
    max_ms: sorted.at(-1),
    peak_mb: process.resourceUsage().maxRSS / 1024,
    times_ms: times,
  }),
);
