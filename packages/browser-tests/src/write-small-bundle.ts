import { drawWeights, listWeights, plSegUnet, storedShape, writeSafetensors } from "@plseg/models";
import { exportModel } from "@plseg/runtime";
import { readBundle, writeBundle } from "@plseg/runtime/node";
import { segmentSmallScan } from "./page/segment-small-scan.js";

const patchSize = [8, 8, 8] as const;

/**
 * Writes a bundle with a small network, whose weights are drawn at random.
 *
 * @param exact - Whether Node answers in 32 bits, as GPUs do: this network knows nothing, and rounding decides many voxels.
 * @returns What it says about the phantom of the page, in Node: values on disk.
 */
export async function writeSmallBundle(folder: string, exact = false): Promise<ArrayLike<number>> {
  const network = plSegUnet({ classes: 3, features: [2, 4] });
  const specs = listWeights(network, [1, ...patchSize, 1]);
  const weights = drawWeights(specs, 1);
  const tensors = specs.map(
    ({ name, shape }) =>
      [name, { dtype: "F32", shape: storedShape(shape), data: weights.get(name) as Float32Array }] as const,
  );
  await writeBundle(folder, {
    model: exportModel({ network, weights, patchSize }),
    weights: writeSafetensors(new Map(tensors)),
    manifest: {
      classes: [
        { name: "background", color: [0, 0, 0], labelValue: 0 },
        { name: "liver", color: [232, 93, 66], labelValue: 1 },
        { name: "spleen", color: [78, 168, 232], labelValue: 5 },
      ],
      spacing: [3, 3, 3],
      orientation: "RAS",
      intensity: { level: 40, width: 400 },
      patchSize,
      network: { kind: "plSegUnet", features: [2, 4], dropout: [0], inChannels: 1, deepSupervision: true },
      provenance: { method: "pl-seg", annotatedCases: { liver: 12, spleen: 4 }, trainingCases: 16, plseg: "0.1.0" },
    },
  });
  const bundle = await readBundle(folder, { threads: 1, exact });
  const { data } = await segmentSmallScan(bundle);
  await bundle.dispose();
  return data;
}
