import { type BundleNetwork, bundleNetwork } from "@plseg/runtime";
import * as v from "valibot";
import type { Teacher } from "../distill-old-classes.js";
import { describeNetwork } from "../train-step.js";
import { settingsObject } from "./settings-schema.js";

/** The model that a run began with, as its `config.json` keeps it. */
export interface RunOrigin {
  /** Folder of the run or bundle. */
  readonly path: string;
  /** Of its file of weights, in lower-case hexadecimal. */
  readonly weightsSha256: string;
  /** What it tells apart, background first: the first classes of the run. */
  readonly classes: readonly string[];
  /** Whether it gave logits at several scales. */
  readonly deepSupervision: boolean;
  /** Weight of the distillation of its answers; 0: they are not asked for. */
  readonly distillation: number;
}

/** What a `config.json` may say of where a run began. */
export const runOriginSchema: v.GenericSchema<RunOrigin> = settingsObject({
  path: v.string(),
  weightsSha256: v.string(),
  classes: v.array(v.string()),
  deepSupervision: v.boolean(),
  distillation: v.number(),
}) as v.GenericSchema<RunOrigin>;

/**
 * The model of an origin as a teacher of its classes, by its finest logits.
 *
 * @param network - That of the run.
 * @param weights - Those of the origin; zeros stand for them without, in a training whose state has them.
 */
export function teacherOf(
  { classes }: RunOrigin,
  network: BundleNetwork,
  weights?: ReadonlyMap<string, Float32Array>,
): Teacher {
  const finest = bundleNetwork({ ...network, deepSupervision: false }, classes.length);
  const { layout } = describeNetwork(finest);
  const zeros = { parameters: new Float32Array(layout.parameterCount), buffers: new Float32Array(layout.bufferCount) };
  if (!weights) return { network: finest, layout, weights: zeros };
  const own = [...layout.parameters, ...layout.buffers].map(({ name }): [string, Float32Array | undefined] => [
    name,
    weights.get(name),
  ]);
  const known = own.filter((entry): entry is [string, Float32Array] => entry[1] !== undefined);
  return { network: finest, layout, weights: layout.pack(new Map(known)) };
}
