import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { ClassSet, ConfigError, classColor, DataError, PlsegError, type Size3D, withDefaults } from "@plseg/core";
import type { IntensityRule } from "@plseg/data";
import {
  type ImportedUnet,
  importReferenceUnet,
  PL_SEG_UNET_DEFAULTS,
  readSafetensors,
  readTorchWeights,
  referenceUnetState,
  type SafetensorsTensor,
  writeSafetensors,
} from "@plseg/models";
import { type BundleNetwork, bundleNetwork, exportModel } from "@plseg/runtime";
import type { BundleParts } from "@plseg/runtime/node";
import { packageVersion } from "./versions.js";

/** What weights do not tell about themselves. */
export interface WeightsDescription {
  /** Names of the classes, background first. */
  readonly classes?: readonly string[];
  /** Value of each class in label maps; 0, 1, 2 and so on unless told. */
  readonly labelValues?: readonly number[];
  /** Millimeters along depth, height, width that the network has learned at. */
  readonly spacing?: Size3D;
  /** Voxels along depth, height, width that it is given at a time. */
  readonly patchSize?: Size3D;
  /** How intensities come before it. */
  readonly intensity?: IntensityRule;
  /** What the edges of the window are to it. */
  readonly imageRange?: readonly [low: number, high: number];
}

/** The 16 organs of WORD in the order of its labels, which the published network segments. */
const WORD = [
  ...[
    "background",
    "liver",
    "spleen",
    "left_kidney",
    "right_kidney",
    "stomach",
    "gallbladder",
    "esophagus",
    "pancreas",
  ],
  ...["duodenum", "colon", "intestine", "adrenal", "rectum", "bladder", "left_head_of_femur", "right_head_of_femur"],
];

/**
 * What {@link bundleFromWeights} takes for granted where nothing is said: the published recipe on WORD. The reference scales
 * each scan from its lowest to its highest value to 0 … 1, and does not resample.
 */
export const WEIGHTS_DEFAULTS: Required<Omit<WeightsDescription, "classes" | "labelValues">> = {
  spacing: [3, 0.976, 0.976],
  patchSize: [96, 128, 128],
  intensity: "scan-range",
  imageRange: [0, 1],
};

/** Parts of a bundle, and what had to be assumed. */
export interface ImportedWeights {
  /** Ready for `writeBundle`. */
  readonly parts: BundleParts;
  /** Fields of the description that nobody gave, and what was taken. */
  readonly assumed: Readonly<Record<string, unknown>>;
}

/**
 * What a bundle of the reference implementation's network is made of.
 *
 * @param weights - A file of `UNet3D_ProgCon` or `UNet3D`: `.safetensors`, `.pth` or `.pt`.
 * @throws DataError if the file cannot be read, or is not of that network; ConfigError if what is said does not fit it.
 */
export async function bundleFromWeights(weights: string, given: WeightsDescription = {}): Promise<ImportedWeights> {
  const bytes = await readFile(weights).catch((cause: unknown) => {
    throw new DataError(`import: ${weights} cannot be read: ${(cause as Error).message}.`, { cause });
  });
  const { config, weights: values } = importFile(weights, bytes);
  const { inChannels, features, deepSupervision, upsample } = config;
  if (inChannels !== 1)
    throw new DataError(`import: ${weights}: the network takes ${inChannels} channels. A bundle takes one, of CT.`);
  const defaults = { ...WEIGHTS_DEFAULTS, ...labelsFor(config.classes) };
  const assumed = Object.fromEntries(
    Object.entries(defaults).filter(([field]) => given[field as keyof WeightsDescription] === undefined),
  );
  const description = withDefaults<WeightsDescription>(defaults, given) as typeof defaults;
  checkDescription(weights, description, config);

  const { classes, labelValues, spacing, patchSize, intensity, imageRange } = description;
  const network: BundleNetwork = {
    kind: "plSegUnet",
    ...{ features, dropout: PL_SEG_UNET_DEFAULTS.dropout, inChannels, deepSupervision },
    ...(upsample !== "trilinear" && { upsample }),
    imageRange,
  };
  const tensors = referenceUnetState(config).flatMap(({ ours, shape }): [string, SafetensorsTensor][] =>
    "weight" in ours
      ? [[ours.weight, { dtype: "F32", shape, data: values.get(ours.weight) ?? new Float32Array() }]]
      : [],
  );
  const importedFrom = { file: basename(weights), sha256: createHash("sha256").update(bytes).digest("hex") };
  const parts: BundleParts = {
    manifest: {
      classes: classes.map((name, index) => {
        return { name, color: classColor(index), labelValue: labelValues[index] ?? index };
      }),
      ...{ spacing, orientation: "RAS", intensity, patchSize, network },
      provenance: {
        ...{ method: "imported", annotatedCases: {}, trainingCases: 0 },
        plseg: packageVersion("@plseg/cli"),
        importedFrom,
      },
    },
    model: exportModel({ network: bundleNetwork(network, classes.length), weights: values, patchSize }),
    weights: writeSafetensors(new Map(tensors)),
  };
  return { parts, assumed };
}

/** Names and values of classes where nobody told them. */
function labelsFor(count: number): Required<Pick<WeightsDescription, "classes" | "labelValues">> {
  const numbered = Array.from({ length: count }, (_, index) => (index === 0 ? "background" : `class_${index}`));
  return {
    classes: count === WORD.length ? WORD : numbered,
    labelValues: Array.from({ length: count }, (_, index) => index),
  };
}

/** Reads a file of either kind, told by its first bytes, and says which file is wrong. */
function importFile(path: string, bytes: Uint8Array): ImportedUnet {
  const isTorch = bytes[0] === 0x80 || (bytes[0] === 0x50 && bytes[1] === 0x4b); // a pickle, or a zip
  if (!isTorch && bytes[8] !== 0x7b)
    // the brace of a JSON header
    throw new DataError(
      `import: ${path} holds neither safetensors nor weights of PyTorch (.pth). Is it whole, and the right file?`,
    );
  try {
    return importReferenceUnet(isTorch ? readTorchWeights(bytes) : readSafetensors(bytes).tensors);
  } catch (cause) {
    if (cause instanceof PlsegError) throw new DataError(`${path}: ${cause.message}`, { cause });
    throw cause;
  }
}

/** @throws ConfigError if what is said does not fit the network. */
function checkDescription(
  weights: string,
  { classes, labelValues, patchSize }: Required<WeightsDescription>,
  config: ImportedUnet["config"],
): void {
  new ClassSet(classes ?? []);
  if (classes?.length !== config.classes)
    throw new ConfigError(
      `import: ${weights} tells ${config.classes} classes apart, background included; ${classes?.length} are named: ${classes?.join(", ")}.`,
    );
  if (labelValues?.length !== config.classes)
    throw new ConfigError(
      `import: labelValues must be ${config.classes}, one for each class, got ${labelValues?.length}.`,
    );
  const step = 2 ** (config.features.length - 1);
  if (patchSize?.some((size) => size % step !== 0))
    throw new ConfigError(
      `import: the sides of a patch must be multiples of ${step} for a network of ${config.features.length} levels, got ${patchSize.join(",")}.`,
    );
}
