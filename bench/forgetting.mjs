// What a network forgets that learns one organ more from scans in which only that organ is labeled, with its older self as
// a teacher and without. `pnpm --filter @plseg/bench forgetting`. JSON goes to stdout, a table to stderr.
import { parseArgs } from "node:util";
import { hideUnannotated, makePhantom, patchSampler, phantomClasses, windowIntensity } from "@plseg/data";
import { evaluateCase } from "@plseg/metrics";
import { plSegUnet } from "@plseg/models";
import { createEngine, inferenceFunction, slidingWindow } from "@plseg/runtime";
import { describeNetwork, distillOldClasses, growClasses, methods, train } from "@plseg/train";
import * as ort from "onnxruntime-node";

const USAGE = `Usage: pnpm --filter @plseg/bench forgetting [options]

  --method NAME  pl-seg, dfl or unet (default pl-seg)
  --steps N      steps of the first training (default 400)
  --more N       steps of each training on the new organ (default 300)
  --weights A,B  weights of the teacher's answers; 0 is none (default 1,0)
  --size N       side of the phantoms, at least that of a patch, 32 (default 48)
  --seed N       of phantoms and weights (default 1)
  --tests N      held-out phantoms (default 6)
  --threads N    default 1
`;

const TRAINING_CASES = 12;
const ORGANS = 6;
const PATCH = /** @type {const} */ ([32, 32, 32]);
const FEATURES = [8, 16, 32, 64];

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    method: { type: "string", default: "pl-seg" },
    steps: { type: "string", default: "400" },
    more: { type: "string", default: "300" },
    weights: { type: "string", default: "1,0" },
    size: { type: "string", default: "48" },
    seed: { type: "string", default: "1" },
    tests: { type: "string", default: "6" },
    threads: { type: "string", default: "1" },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) process.stdout.write(USAGE);
else await main();

async function main() {
  const engine = createEngine({ ort, threads: Number(values.threads) });
  const { names } = phantomClasses(ORGANS);
  const oldClasses = names.length - 1; // all but the last, the aorta
  const method = methods[values.method];
  const common = { engine, patchSize: PATCH, batch: 2, seed: Number(values.seed) };
  const tests = Array.from({ length: Number(values.tests) }, (_, i) => phantom(`held-out ${i + 1}`));

  const before = networkOf(oldClasses, method);
  const old = await train({
    ...common,
    ...{ method, network: before, classes: oldClasses, steps: Number(values.steps), learningRate: 0.01 },
    sampler: samplerOf("old", oldClasses, (index) => index < oldClasses),
  });
  const results = [{ network: "before", dice: await score(engine, before, old.tensors, names.slice(0, -1), tests) }];
  tell(results.at(-1));

  const teacherNetwork = networkOf(oldClasses, { deepSupervision: false });
  const { layout: oldLayout } = describeNetwork(before);
  const { layout: teacherLayout } = describeNetwork(teacherNetwork);
  const known = oldLayout.unpack(old.tensors);
  const finest = [...teacherLayout.parameters, ...teacherLayout.buffers].map(({ name }) => [name, known.get(name)]);
  const teacher = {
    network: teacherNetwork,
    layout: teacherLayout,
    weights: teacherLayout.pack(new Map(finest)),
  };

  const network = networkOf(names.length, method);
  const { layout } = describeNetwork(network);
  for (const weight of values.weights.split(",").map(Number)) {
    const state = await train({
      ...common,
      method: weight > 0 ? distillOldClasses(method, teacher, { weight }) : method,
      ...{ network, classes: names.length, steps: Number(values.more), learningRate: 0.01 },
      weights: layout.pack(growClasses(known, { from: oldClasses, to: names.length })),
      sampler: samplerOf("new", names.length, (index) => index === 0 || index >= oldClasses),
    });
    results.push({
      network: `after, weight ${weight}`,
      dice: await score(engine, network, state.tensors, names, tests),
    });
    tell(results.at(-1));
  }
  process.stdout.write(`${JSON.stringify({ ...values, results })}\n`);
  process.stderr.write(`\n${table(results, names.slice(1))}\n`);
}

/** @param {number} classes @param {{ deepSupervision: boolean }} method */
function networkOf(classes, { deepSupervision }) {
  return plSegUnet({ classes, features: FEATURES, dropout: [0], deepSupervision });
}

/** @param {string} name */
function phantom(name) {
  return makePhantom({ size: Number(values.size), classes: ORGANS, seed: `${values.seed}/${name}` });
}

/**
 * Patches of scans in which some classes are labeled.
 * @param {string} name
 * @param {number} classes
 * @param {(index: number) => boolean} isAnnotated
 */
function samplerOf(name, classes, isAnnotated) {
  const cases = Array.from({ length: TRAINING_CASES }, (_, i) => {
    const id = `${name} ${i + 1}`;
    const { image, labels } = phantom(id);
    const annotated = Array.from({ length: ORGANS + 1 }, (_, index) => isAnnotated(index));
    const hidden = hideUnannotated(labels, annotated);
    const data = { image: windowIntensity(image), labels: hidden.data, shape: image.shape };
    return { id, ...data, annotated: annotated.slice(0, classes) };
  });
  return patchSampler({ cases, patchSize: PATCH, batch: 2, seed: Number(values.seed), foreground: 0.5 });
}

/**
 * Mean Dice by organ over held-out phantoms.
 * @param {import("@plseg/runtime").Engine} engine
 * @param {import("@plseg/core").Network} network
 * @param {Readonly<Record<string, Float32Array>>} weights
 * @param {readonly string[]} names
 * @param {readonly ReturnType<typeof phantom>[]} tests
 */
async function score(engine, network, { parameters, buffers }, names, tests) {
  const { layout } = describeNetwork(network);
  const compiled = await engine.compile(
    inferenceFunction(network, layout),
    {
      image: { shape: [1, ...PATCH, 1] },
      parameters: { shape: [layout.parameterCount] },
      buffers: { shape: [layout.bufferCount] },
    },
    { outputLayouts: { probabilities: "channels-first" } },
  );
  const predict = async (/** @type {Float32Array} */ image) => {
    const { probabilities } = await compiled.run({ image, parameters, buffers });
    const numbers = Float32Array.from(await probabilities.read());
    probabilities.dispose();
    return numbers;
  };
  const all = phantomClasses(ORGANS);
  /** @type {Record<string, number>} */
  const sums = Object.fromEntries(names.slice(1).map((name) => [name, 0]));
  for (const { image, labels } of tests) {
    const { shape, affine } = image;
    const windowed = windowIntensity(image);
    const data = await slidingWindow({ image: windowed, shape, patchSize: PATCH, classes: names.length, predict });
    const annotated = all.names.map((_, index) => index < names.length);
    const reference = hideUnannotated(labels, annotated);
    const prediction = { data, shape, affine };
    const scores = evaluateCase({ prediction, reference, classes: all, annotated, metrics: ["dice"] });
    for (const [i, score] of scores.entries()) {
      const name = all.foreground[i];
      if (name in sums) sums[name] += (score.scores.dice ?? 0) / tests.length;
    }
  }
  await compiled.dispose();
  return sums;
}

/** @param {{ network: string, dice: Record<string, number> } | undefined} result */
function tell(result) {
  process.stderr.write(`${result?.network}: ${JSON.stringify(result?.dice)}\n`);
}

/** @param {readonly { network: string, dice: Record<string, number> }[]} results @param {readonly string[]} organs */
function table(results, organs) {
  const rows = results.map(({ network, dice }) => {
    const known = organs.slice(0, -1).map((organ) => dice[organ]);
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    return [network, ...organs.map((organ) => dice[organ]?.toFixed(3) ?? "—"), mean.toFixed(3)];
  });
  const header = ["network", ...organs, "mean of the old"];
  return [header, header.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
