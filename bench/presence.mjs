// What `presence` and `absentWeight` of hadfl change: trainings on phantoms of which each annotates 2 of 6 organs, scored
// on held-out ones with all of them. `pnpm --filter @plseg/bench presence`. JSON goes to stdout, tables to stderr.
import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  annotatedClasses,
  hideUnannotated,
  makePhantom,
  maskAnnotations,
  patchSampler,
  phantomClasses,
  windowIntensity,
} from "@plseg/data";
import { hadfl } from "@plseg/losses";
import { evaluateCase } from "@plseg/metrics";
import { plSegUnet } from "@plseg/models";
import { createEngine, inferenceFunction, slidingWindow } from "@plseg/runtime";
import { describeNetwork, plSegObjective, train } from "@plseg/train";
import * as ort from "onnxruntime-node";

const USAGE = `Usage: pnpm --filter @plseg/bench presence [options]

  --steps N      steps of each training (default 400)
  --seeds A,B    one training per setting and seed (default 1,2,3); a seed is other phantoms and other weights
  --only NAMES   settings, separated by commas (default all)
  --tests N      held-out phantoms (default 8)
  --threads N    default 1
  --append FILE  also adds each training as a line of JSON to a file
`;

const TRAINING_CASES = 24;
const SIZE = 48;
const ORGANS = 6;
const ANNOTATED = 2;
const PATCH = /** @type {const} */ ([32, 32, 32]);

/** @type {Record<string, { presence: "annotated" | "crop", absentWeight?: number }>} */
const SETTINGS = {
  crop: { presence: "crop" },
  "annotated 0": { presence: "annotated", absentWeight: 0 },
  "annotated 0.5": { presence: "annotated", absentWeight: 0.5 },
  "annotated 1": { presence: "annotated", absentWeight: 1 },
};

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    steps: { type: "string", default: "400" },
    seeds: { type: "string", default: "1,2,3" },
    only: { type: "string" },
    tests: { type: "string", default: "8" },
    threads: { type: "string", default: "1" },
    append: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) process.stdout.write(USAGE);
else await main();

async function main() {
  const engine = createEngine({ ort, threads: Number(values.threads) });
  const names = Object.keys(SETTINGS).filter((name) => !values.only || values.only.split(",").includes(name));
  const results = [];
  for (const seed of values.seeds.split(",").map(Number)) {
    const data = phantoms(seed);
    for (const setting of names) {
      const started = performance.now();
      const result = { setting, seed, organs: await trainAndScore(engine, SETTINGS[setting], seed, data) };
      results.push(result);
      if (values.append) appendFileSync(values.append, `${JSON.stringify(result)}\n`);
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      process.stderr.write(`${setting}, seed ${seed}: Dice ${mean(result.organs, "dice").toFixed(3)}, ${seconds} s\n`);
    }
  }
  process.stdout.write(`${JSON.stringify({ steps: Number(values.steps), tests: Number(values.tests), results })}\n`);
  process.stderr.write(`\n${tables(results)}\n`);
}

/** Training cases with hidden organs, and held-out ones with the whole truth. @param {number} seed */
function phantoms(seed) {
  const classes = phantomClasses(ORGANS);
  const ids = Array.from({ length: TRAINING_CASES }, (_, i) => `case ${i + 1}`);
  const manifest = maskAnnotations({ cases: ids, classes, keep: ANNOTATED, seed });
  const training = ids.map((id) => {
    const { image, labels } = makePhantom({ size: SIZE, classes: ORGANS, seed: `${seed}/${id}` });
    const annotated = annotatedClasses(manifest, classes, id);
    const hidden = hideUnannotated(labels, annotated);
    return { id, image: windowIntensity(image), labels: hidden.data, shape: image.shape, annotated };
  });
  const test = Array.from({ length: Number(values.tests) }, (_, i) =>
    makePhantom({ size: SIZE, classes: ORGANS, seed: `${seed}/held-out ${i + 1}` }),
  );
  return { classes, training, test };
}

/**
 * Means over the held-out phantoms, by organ.
 * @param {import("@plseg/runtime").Engine} engine
 * @param {(typeof SETTINGS)[string]} options
 * @param {number} seed
 * @param {ReturnType<typeof phantoms>} data
 */
async function trainAndScore(engine, options, seed, { classes, training, test }) {
  const network = plSegUnet({ classes: classes.size, features: [8, 16, 32, 64], dropout: [0] });
  const state = await train({
    engine,
    method: {
      name: "pl-seg",
      summary: "PL-Seg",
      deepSupervision: true,
      objective: ({ classes, scales }) => plSegObjective(() => hadfl({ classes, ...options }), { scales }),
    },
    network,
    classes: classes.size,
    sampler: patchSampler({ cases: training, patchSize: PATCH, batch: 2, seed, foreground: 0.5 }),
    patchSize: PATCH,
    batch: 2,
    steps: Number(values.steps),
    learningRate: 0.01,
    seed,
  });
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
  const { parameters, buffers } = state.tensors;
  const predict = async (/** @type {Float32Array} */ image) => {
    const { probabilities } = await compiled.run({ image, parameters, buffers });
    const numbers = Float32Array.from(await probabilities.read());
    probabilities.dispose();
    return numbers;
  };

  const organs = classes.foreground.map((organ) => ({ organ, dice: 0, falseVoxels: 0, falseComponents: 0 }));
  for (const { image, labels } of test) {
    const { shape, affine } = image;
    const data = await slidingWindow({
      image: windowIntensity(image),
      shape,
      patchSize: PATCH,
      classes: classes.size,
      predict,
    });
    const annotated = classes.names.map(() => true);
    const prediction = { data, shape, affine };
    const scores = evaluateCase({ prediction, reference: labels, classes, annotated, metrics: ["dice"] });
    for (const [i, score] of scores.entries()) {
      const found = organs[i];
      found.dice += (score.scores.dice ?? 0) / test.length;
      found.falseVoxels += data.filter((c, v) => c === i + 1 && labels.data[v] !== i + 1).length / test.length;
      found.falseComponents += falseComponents(data, labels.data, i + 1, shape) / test.length;
    }
  }
  await compiled.dispose();
  return organs;
}

/**
 * Connected pieces (26 neighbors) of a predicted organ that touch no voxel of the true one.
 * @param {ArrayLike<number>} prediction
 * @param {ArrayLike<number>} reference
 * @param {number} label
 * @param {readonly [number, number, number]} shape
 */
function falseComponents(prediction, reference, label, [depth, height, width]) {
  const seen = new Uint8Array(prediction.length);
  let count = 0;
  for (let start = 0; start < prediction.length; start++) {
    if (prediction[start] !== label || seen[start]) continue;
    let hit = false;
    const open = [start];
    seen[start] = 1;
    for (let v = open.pop(); v !== undefined; v = open.pop()) {
      if (reference[v] === label) hit = true;
      const [z, y, x] = [Math.floor(v / (height * width)), Math.floor(v / width) % height, v % width];
      for (let k = Math.max(z - 1, 0); k <= Math.min(z + 1, depth - 1); k++)
        for (let j = Math.max(y - 1, 0); j <= Math.min(y + 1, height - 1); j++)
          for (let i = Math.max(x - 1, 0); i <= Math.min(x + 1, width - 1); i++) {
            const next = (k * height + j) * width + i;
            if (prediction[next] !== label || seen[next]) continue;
            seen[next] = 1;
            open.push(next);
          }
    }
    if (!hit) count++;
  }
  return count;
}

/**
 * Per setting, over the seeds: Dice of each organ, and how much is seen where it is not.
 * @param {{ setting: string, seed: number, organs: { organ: string, dice: number, falseVoxels: number, falseComponents: number }[] }[]} results
 */
function tables(results) {
  const organs = results[0].organs.map(({ organ }) => organ);
  const settings = [...new Set(results.map(({ setting }) => setting))];
  const rows = [
    ["setting", ...organs, "mean Dice", "by seed", "false voxels", "false components"],
    ["---", ...organs.map(() => "---"), "---", "---", "---", "---"],
    ...settings.map((setting) => {
      const runs = results.filter((result) => result.setting === setting);
      const over = (/** @type {"dice" | "falseVoxels" | "falseComponents"} */ key) =>
        runs.reduce((sum, run) => sum + mean(run.organs, key), 0) / runs.length;
      return [
        setting,
        ...organs.map((_, i) => (runs.reduce((sum, run) => sum + run.organs[i].dice, 0) / runs.length).toFixed(3)),
        over("dice").toFixed(3),
        runs.map((run) => mean(run.organs, "dice").toFixed(3)).join(" "),
        over("falseVoxels").toFixed(0),
        over("falseComponents").toFixed(2),
      ];
    }),
  ];
  return rows.map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/**
 * @param {readonly Record<string, unknown>[]} organs
 * @param {string} key
 */
function mean(organs, key) {
  return organs.reduce((sum, organ) => sum + Number(organ[key]), 0) / organs.length;
}
