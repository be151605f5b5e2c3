import { DataError, type Shape, showShape, suggest } from "@plseg/core";
import { float32Of } from "./float32-of.js";
import type { PlSegUnetConfig } from "./pl-seg-unet.js";
import { referenceUnetState } from "./reference-unet-state.js";
import type { SafetensorsTensor } from "./safetensors.js";

/** A network of the reference implementation as one of ours. */
export interface ImportedUnet {
  /** For `plSegUnet`, as the shapes of the weights have it. What weights do not tell, dropout, is left to the default. */
  readonly config: PlSegUnetConfig &
    Required<Pick<PlSegUnetConfig, "inChannels" | "features" | "deepSupervision" | "upsample">>;
  /** Every parameter and buffer by our name, each in stored order. */
  readonly weights: Map<string, Float32Array>;
}

/** What `DataParallel` and `torch.compile` put before every name. */
const PREFIXES = ["module.", "_orig_mod."];

/** Names listed of each kind in an error. */
const LISTED = 4;

/**
 * Takes the weights of the reference implementation's `UNet3D_ProgCon` or `UNet3D` over: the configuration from their shapes,
 * each weight under our name (see {@link referenceUnetState}). A bias before a batch norm, which ours does without, is
 * subtracted from the running mean behind it: the same numbers come out.
 *
 * @param tensors - Its state dict, from `readSafetensors` or `readTorchWeights`, of any floating-point type.
 * @throws DataError naming which weights are missing, unknown or have another shape, with the nearest name.
 */
export function importReferenceUnet(tensors: ReadonlyMap<string, SafetensorsTensor>): ImportedUnet {
  const state = new Map([...withoutPrefixes(tensors)].filter(([name]) => !name.endsWith(".num_batches_tracked")));
  const config = configOf(state);
  const expected = referenceUnetState(config);
  checkState(state, new Map(expected.map(({ name, shape }) => [name, shape])));

  const weights = new Map<string, Float32Array>();
  const values = expected.map(({ name, ours }) => ({
    ours,
    value: float32Of(name, state.get(name) as SafetensorsTensor),
  }));
  for (const { ours, value } of values) if ("weight" in ours) weights.set(ours.weight, value.slice());
  for (const { ours, value } of values) {
    const mean = "subtractFrom" in ours ? weights.get(ours.subtractFrom) : undefined;
    mean?.forEach((known, channel) => {
      mean[channel] = known - (value[channel] as number);
    });
  }
  return { config, weights };
}

function withoutPrefixes(tensors: ReadonlyMap<string, SafetensorsTensor>): ReadonlyMap<string, SafetensorsTensor> {
  for (const prefix of PREFIXES)
    if (tensors.size > 0 && [...tensors.keys()].every((name) => name.startsWith(prefix)))
      return withoutPrefixes(new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor])));
  return tensors;
}

/** What the shapes of the first layers of each level, of the heads and of a step up tell. */
function configOf(state: ReadonlyMap<string, SafetensorsTensor>): ImportedUnet["config"] {
  const shapeOf = (name: string): Shape => {
    const shape = state.get(name)?.shape;
    if (shape?.length === 5) return shape;
    throw new DataError(
      `importReferenceUnet: these are no weights of UNet3D_ProgCon or UNet3D: ${shape ? `"${name}" has the shape ${showShape(shape)}` : `there is no "${name}"`}.${suggest(name, [...state.keys()])} Found ${state.size} weights: ${[...state.keys()].slice(0, LISTED).join(", ")}, ….`,
    );
  };
  const [finest = 0, inChannels = 0] = shapeOf("in_conv.conv_conv.0.weight");
  const features = [finest];
  for (let level = 1; state.has(`down${level}.maxpool_conv.1.conv_conv.0.weight`); level++)
    features.push(shapeOf(`down${level}.maxpool_conv.1.conv_conv.0.weight`)[0] as number);
  const deepSupervision = !state.has("out_conv.weight");
  const [classes = 0] = shapeOf(deepSupervision ? "dsv1.weight" : "out_conv.weight");
  const upsample = state.has("up4.up.weight") ? "deconv" : "trilinear";
  if (features.length < 4 || features.length > 5)
    throw new DataError(
      `importReferenceUnet: UNet3D_ProgCon has 4 or 5 levels, these weights have ${features.length} (down1 to down${features.length - 1}).`,
    );
  return { classes, inChannels, features, deepSupervision, upsample };
}

function checkState(state: ReadonlyMap<string, SafetensorsTensor>, expected: ReadonlyMap<string, Shape>): void {
  const unknown = [...state.keys()].filter((name) => !expected.has(name));
  const missing = [...expected.keys()].filter((name) => !state.has(name));
  const misshapen = [...expected].flatMap(([name, shape]) => {
    const found = state.get(name)?.shape;
    return found && showShape(found) !== showShape(shape)
      ? [`"${name}" ${showShape(found)} instead of ${showShape(shape)}`]
      : [];
  });
  const listed = (what: string, names: readonly string[]): string[] =>
    names.length === 0
      ? []
      : [
          `${what} ${names.slice(0, LISTED).join(", ")}${names.length > LISTED ? ` and ${names.length - LISTED} more` : ""}`,
        ];
  const problems = [
    ...listed(
      "missing",
      missing.map((name) => `"${name}"${suggest(name, unknown)}`),
    ),
    ...listed(
      "unknown",
      unknown.map((name) => `"${name}"`),
    ),
    ...listed("of another shape", misshapen),
  ];
  if (problems.length > 0)
    throw new DataError(`importReferenceUnet: the weights do not fit UNet3D_ProgCon: ${problems.join("; ")}.`);
}
