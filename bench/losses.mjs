// Our side of `pnpm bench losses`: value and gradient of one loss by the logits, compiled, on the CPU; or, for comparison,
// the forward pass of the network. Prints one line of JSON.
import { parseArgs } from "node:util";
import { Random } from "@plseg/core";
import * as losses from "@plseg/losses";
import { drawWeights, plSegUnet } from "@plseg/models";
import { trace } from "@plseg/onnx";
import { valueAndGradients } from "@plseg/ops";
import { createEngine, inferenceFunction } from "@plseg/runtime";
import { describeNetwork } from "@plseg/train";
import { oneHot } from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import { CLASSES, drawTarget, product, report, sizeOf } from "./measure.mjs";

/**
 * One that supervises, or one that compares logits; the latter of how many scales, and whether the finest only teaches.
 * @typedef {{ supervised?: import("@plseg/core").SegmentationLoss, of?: (pyramid: any[]) => any, scales?: number, teacher?: boolean }} Loss
 */

/** @type {Record<string, () => Loss>} */
const LOSSES = {
  hadfl: () => ({ supervised: losses.hadfl({ classes: CLASSES }) }),
  decoupledForegroundLoss: () => ({ supervised: losses.decoupledForegroundLoss({ classes: CLASSES }) }),
  cocl: () => ({ of: ([logits]) => losses.cocl()(logits) }),
  psd: () => ({ of: losses.psd(), scales: 4, teacher: true }),
  marginalLoss: () => ({ supervised: losses.marginalLoss() }),
  exclusionLoss: () => ({ supervised: losses.exclusionLoss() }),
  marginalExclusionLoss: () => ({ supervised: losses.marginalExclusionLoss() }),
  leafDice: () => ({ supervised: losses.leafDice() }),
  targetAdaptiveLoss: () => ({ supervised: losses.targetAdaptiveLoss() }),
  multiTalentLoss: () => ({ supervised: losses.multiTalentLoss() }),
  taskDice: () => ({ supervised: losses.taskDice() }),
  taskBce: () => ({ supervised: losses.taskBce() }),
};

const { values } = parseArgs({
  options: {
    part: { type: "string", default: "forward" },
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
const random = new Random(1);
const engine = createEngine({ ort, threads: Number(values.threads) });

const { compiled, feeds } = values.part === "forward" ? await forwardPass() : await valueAndGradient(values.part);
const times = [];
for (let k = 1; k <= Number(values.warmup) + Number(values.steps); k++) {
  const started = performance.now();
  const outputs = await compiled.run(feeds);
  if (k > Number(values.warmup)) times.push(performance.now() - started);
  for (const [name, output] of Object.entries(outputs)) {
    const numbers = await output.read();
    if (!numbers.every(Number.isFinite)) throw new Error(`bench losses: ${values.part}: ${name} is not finite.`);
    if (numbers.every((number) => number === 0)) throw new Error(`bench losses: ${values.part}: ${name} is 0.`);
    output.dispose();
  }
}

report(times);

/** Inference of the network of the benchmark `step`, softmax included. */
async function forwardPass() {
  const network = plSegUnet({ classes: CLASSES });
  const { layout } = describeNetwork(network);
  const inputs = {
    image: { shape: [batch, ...patchSize, 1] },
    parameters: { shape: [layout.parameterCount] },
    buffers: { shape: [layout.bufferCount] },
  };
  const compiled = await engine.compile(inferenceFunction(network, layout), inputs, {
    outputLayouts: { probabilities: "channels-first" },
  });
  const weights = layout.pack(drawWeights([...layout.parameters, ...layout.buffers], 1));
  return { compiled, feeds: { ...weights, image: draw(voxels, () => random.uniform(-1, 1)) } };
}

/**
 * As in a training step: labels become one-hot inside, and logits and their gradient lie channels first. What a loss
 * remembers goes in as it is before the first step.
 * @param {string} name
 */
async function valueAndGradient(name) {
  if (!(name in LOSSES))
    throw new Error(`bench losses: there is no part "${name}". Parts: forward, ${Object.keys(LOSSES).join(", ")}.`);
  const { supervised, of, scales = 1, teacher = false } = LOSSES[name]();
  const pyramid = Array.from({ length: scales }, (_, scale) => `logits${scale}`);
  const learning = pyramid.slice(teacher ? 1 : 0);
  /** @type {Record<string, import("@plseg/onnx").InputSpec>} */
  const inputs = {};
  /** @type {Record<string, Float32Array | Int32Array>} */
  const feeds = {};
  for (const [scale, key] of pyramid.entries()) {
    const shape = [batch, ...patchSize.map((size) => size / 2 ** scale), CLASSES];
    inputs[key] = { shape, layout: "channels-first" };
    feeds[key] = draw(product(shape), () => 3 * random.normal());
  }
  /** @type {string[]} */
  let remembered = [];
  if (supervised) {
    remembered = trace(() => supervised.init(), {}).outputs.map(({ name }) => name);
    // an engine does not compile what has no output
    const init = remembered.length > 0 ? await (await engine.compile(() => supervised.init(), {})).run({}) : {};
    for (const [key, tensor] of Object.entries(init)) {
      inputs[`state.${key}`] = { shape: tensor.shape };
      feeds[`state.${key}`] = Float32Array.from(await tensor.read());
    }
    inputs.labels = { shape: [batch, ...patchSize], dtype: "int32" };
    inputs.annotated = { shape: [batch, CLASSES] };
    Object.assign(feeds, drawTarget(random, batch, voxels));
  }
  const compute = (/** @type {Record<string, any>} */ tensors) => {
    if (!supervised) return of(pyramid.map((key) => tensors[key]));
    const target = { oneHot: oneHot(tensors.labels, CLASSES, 1, 0, "float32"), annotated: tensors.annotated };
    const state = Object.fromEntries(remembered.map((key) => [key, tensors[`state.${key}`]]));
    return supervised.compute(tensors.logits0, target, state).value;
  };
  const compiled = await engine.compile(
    (tensors) => {
      const { value, gradients } = valueAndGradients(
        () => ({ value: compute(tensors), aux: {} }),
        learning.map((key) => tensors[key]),
      );
      return { value, ...Object.fromEntries(learning.map((key, i) => [`gradient by ${key}`, gradients[i]])) };
    },
    inputs,
    { outputLayouts: Object.fromEntries(learning.map((key) => [`gradient by ${key}`, "channels-first"])) },
  );
  return { compiled, feeds };
}

/** @param {number} length @param {() => number} next */
function draw(length, next) {
  return Float32Array.from({ length }, next);
}
