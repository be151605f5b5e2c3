// What both sides of `pnpm bench predict` predict: a bundle and a volume, written once into a folder for temporary files,
// whose path is printed.
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { classColor, Random } from "@plseg/core";
import { drawWeights, plSegUnet, storedShape, writeSafetensors } from "@plseg/models";
import { exportModel } from "@plseg/runtime";
import { writeBundle } from "@plseg/runtime/node";
import { describeNetwork } from "@plseg/train";
import { CLASSES, product, sizeOf } from "./measure.mjs";

const FEATURES = [16, 32, 64, 128];
/** Windows, on both sides. */
const PATCH = [96, 128, 128];

const { values } = parseArgs({ options: { size: { type: "string", default: "160,256,256" } } });
const shape = sizeOf(values.size);
const folder = join(tmpdir(), `plseg-bench-predict-${shape.join("x")}`);
if (!existsSync(folder)) {
  const temporary = `${folder}.${process.pid}`;
  await mkdir(temporary, { recursive: true });
  await writeFile(join(temporary, "image.i16"), drawImage(shape));
  await writeFile(join(temporary, "shape.json"), JSON.stringify(shape));
  await drawBundle(join(temporary, "bundle"));
  await rename(temporary, folder).catch(() => rm(temporary, { recursive: true }));
}
console.log(folder);

/** A network whose channels are all different, as after a training. @param {string} bundle - Folder to write it to. */
async function drawBundle(bundle) {
  const random = new Random(1);
  const network = plSegUnet({ classes: CLASSES, features: FEATURES, deepSupervision: false });
  const { layout } = describeNetwork(network);
  const specs = [...layout.parameters, ...layout.buffers];
  const weights = drawWeights(specs, 1);
  for (const [name, data] of weights)
    for (const i of data.keys())
      if (name.endsWith("norm.bias")) data[i] = random.uniform(-0.3, 0.3);
      else if (name.endsWith("running_mean")) data[i] = random.uniform(-0.2, 0.2);
      else if (name.endsWith("running_var")) data[i] = random.uniform(0.3, 0.8);
  const patchSize = /** @type {[number, number, number]} */ (PATCH.map((side, axis) => Math.min(side, shape[axis])));
  await writeBundle(bundle, {
    model: exportModel({ network, weights, patchSize }),
    weights: writeSafetensors(
      new Map(
        specs.map(({ name, shape }) => [
          name,
          { dtype: "F32", shape: storedShape(shape), data: /** @type {Float32Array} */ (weights.get(name)) },
        ]),
      ),
    ),
    manifest: {
      classes: Array.from({ length: CLASSES }, (_, index) => ({
        name: index === 0 ? "background" : `organ ${index}`,
        color: classColor(index),
        labelValue: index,
      })),
      spacing: [1.5, 1.5, 1.5],
      orientation: "RAS",
      intensity: { level: 50, width: 400 },
      patchSize,
      network: { kind: "plSegUnet", features: FEATURES, dropout: [0], inChannels: 1, deepSupervision: false },
      provenance: { method: "pl-seg", annotatedCases: {}, trainingCases: 0, plseg: "0.1.0" },
    },
  });
}

/** Waves of tissue with noise and no air, in Hounsfield units. @param {readonly number[]} shape */
function drawImage([depth, height, width]) {
  const random = new Random(2);
  const image = new Int16Array(product([depth, height, width]));
  let at = 0;
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        image[at++] = 60 * Math.sin(z / 9 + y / 23) + 60 * Math.cos(x / 17 - y / 31) + random.uniform(-20, 60);
  return image;
}
