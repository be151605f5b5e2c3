import { ConfigError } from "@plseg/core";
import { type Plan, readPlan } from "@plseg/data";
import * as v from "valibot";
import { parseSettings } from "./parse-settings.js";
import { type RunOrigin, runOriginSchema } from "./run-origin.js";
import { settingsObject } from "./settings-schema.js";
import { type PLANNED, settingsSchema, type TrainSettings } from "./train-settings.js";

/** Settings that may be given in epochs. */
type Timed = "steps" | "validateEvery" | "checkpointEvery" | "keepEvery";

/** Everything about a training run, defaults filled in: its `config.json`. */
export interface RunConfig extends Omit<TrainSettings, keyof typeof PLANNED | Timed> {
  /** Of the file format. */
  readonly version: 3;
  /** Steps in all. */
  readonly steps: number;
  /** Steps between validations; 0 for none. */
  readonly validateEvery: number;
  /** Steps between checkpoints. */
  readonly checkpointEvery: number;
  /** Steps between checkpoints that are kept; 0 for none. */
  readonly keepEvery: number;
  /** Spacing, patch size and intensity, with the reasons. */
  readonly plan: Plan;
  /** Name of the method. */
  readonly method: string;
  /** Name of the preset that the settings started from. */
  readonly preset: string;
  /** Names, background first. */
  readonly classes: string[];
  /** Value of each class in label files. */
  readonly labelValues: number[];
  /** Whether the network gives logits at several scales. */
  readonly deepSupervision: boolean;
  /** The model that it began with, if it did. */
  readonly from?: RunOrigin;
  /** How the network's decoder doubles its features; `trilinear` unless told. */
  readonly upsample?: "trilinear" | "deconv";
  /** What the edges of the intensity window are to the network; −1 and 1 unless told. */
  readonly imageRange?: readonly [low: number, high: number];
  /** Folder of the dataset. */
  readonly data: string;
  /** Number of training cases that annotate each class, by name. */
  readonly annotatedCases: Readonly<Record<string, number>>;
  /** Number of cases to learn from, those kept aside not counted. */
  readonly trainingCases: number;
  /** Identifiers of the cases kept aside. */
  readonly validationCases: string[];
  /** Identifiers of the labeled cases that are neither learned from nor kept aside. */
  readonly unusedCases: string[];
  /** What was asked to compute. */
  readonly engine: string;
  /** Where it was asked to compute. */
  readonly device: string;
}

const { spacing: _spacing, patchSize: _patchSize, intensity: _intensity, ...unplanned } = settingsSchema.entries;

const runConfigSchema = settingsObject({
  version: v.literal(3),
  ...unplanned,
  steps: v.number(),
  validateEvery: v.number(),
  checkpointEvery: v.number(),
  keepEvery: v.number(),
  plan: v.pipe(
    v.unknown(),
    v.transform((plan) => readPlan(plan, "plan")),
  ),
  method: v.string(),
  preset: v.string(),
  classes: v.pipe(v.array(v.string()), v.minLength(2)),
  labelValues: v.array(v.number()),
  deepSupervision: v.boolean(),
  from: v.exactOptional(runOriginSchema),
  upsample: v.exactOptional(v.picklist(["trilinear", "deconv"])),
  imageRange: v.exactOptional(v.strictTuple([v.number(), v.number()])),
  data: v.string(),
  annotatedCases: v.record(v.string(), v.number()),
  trainingCases: v.number(),
  validationCases: v.array(v.string()),
  unusedCases: v.array(v.string()),
  engine: v.string(),
  device: v.string(),
});

/**
 * Checks the contents of a `config.json`. One of version 2 gets what runs did before it could be chosen.
 *
 * @throws ConfigError
 */
export function checkRunConfig(config: unknown, where: string): RunConfig {
  const version = (config as { version?: unknown } | null)?.version;
  if (version !== 2 && version !== 3)
    throw new ConfigError(
      `${where}: version: expected 2 or 3, got ${JSON.stringify(version)}. Use the plseg that wrote the run, or train again.`,
    );
  const whole = version === 3 ? config : { ...ALWAYS_SO_IN_2, ...(config as object), version: 3 };
  return parseSettings(runConfigSchema, whole, where);
}

const ALWAYS_SO_IN_2 = {
  ...{ optimizer: "adam", warmup: 0, clipNorm: 0, averageDecay: 0, accumulate: 1, keepEvery: 0, rollbacks: 5 },
  objective: {},
  unusedCases: [],
};
