import { ConfigError, suggest } from "@plseg/core";
import { type AugmentationOptions, INTENSITY_PRESETS, type IntensityPreset, type Plan, readPlan } from "@plseg/data";
import * as v from "valibot";
import type { Schedule } from "../schedule.js";

/** What can be chosen about a training, by a person or a preset. */
export interface TrainSettings {
  /** Channels of each level of the network, finest first. */
  readonly features: number[];
  /** Share of values dropped at each level. */
  readonly dropout: number[];
  /** Millimeters along depth, height, width to which scans are resampled; `"auto"`: of the plan. */
  readonly spacing: [depth: number, height: number, width: number] | "auto";
  /** Voxels along depth, height, width; `"auto"`: of the plan. */
  readonly patchSize: [depth: number, height: number, width: number] | "auto";
  /** Patches per step. */
  readonly batch: number;
  /** Steps in all. */
  readonly steps: number;
  /** At the first step. */
  readonly learningRate: number;
  /** How the learning rate changes. */
  readonly schedule: Schedule;
  /** Part of the patches drawn around a voxel of an annotated organ. */
  readonly foreground: number;
  /** Hounsfield window that becomes [−1, 1], or its name, or `"percentiles"` of the organs; `"auto"`: of the plan. */
  readonly intensity: { readonly level: number; readonly width: number } | IntensityPreset | "percentiles" | "auto";
  /** How patches are varied: not at all, as `AUGMENTATION_DEFAULTS` of `@plseg/data` say, or those with changes. */
  readonly augmentation: "none" | "default" | AugmentationOptions;
  /** Steps between validations; 0 for none. */
  readonly validateEvery: number;
  /** Share of the labeled cases kept aside for validation. */
  readonly validation: number;
  /** Steps between checkpoints. */
  readonly checkpointEvery: number;
  /** Of the first weights, patches, dropout and the choice of validation cases. */
  readonly seed: number;
}

/** Everything about a training run, defaults filled in: its `config.json`. */
export interface RunConfig extends Omit<TrainSettings, keyof typeof PLANNED> {
  /** Of the file format. */
  readonly version: 2;
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
  /** Folder of the dataset. */
  readonly data: string;
  /** Number of training cases that annotate each class, by name. */
  readonly annotatedCases: Readonly<Record<string, number>>;
  /** Number of cases to learn from, those kept aside not counted. */
  readonly trainingCases: number;
  /** Identifiers of the cases kept aside. */
  readonly validationCases: string[];
  /** What was asked to compute. */
  readonly engine: string;
  /** Where it was asked to compute. */
  readonly device: string;
}

const COUNT = "a whole number of at least 1";
const FRACTION = "a number from 0 to 1";
const POSITIVE = "a number above 0";

const whole = v.pipe(v.number(COUNT), v.integer(COUNT), v.minValue(1, COUNT));
const fraction = v.pipe(v.number(FRACTION), v.minValue(0, FRACTION), v.maxValue(1, FRACTION));
const positive = v.pipe(v.number(POSITIVE), v.gtValue(0, POSITIVE));

/** The settings that a plan decides where they are `"auto"`. */
export const PLANNED: Readonly<Record<"spacing" | "patchSize" | "intensity", "auto">> = {
  spacing: "auto",
  patchSize: "auto",
  intensity: "auto",
};

const AUGMENTATION = '"none", "default" or an object of transforms';
const WINDOW = `"auto", "percentiles", ${Object.keys(INTENSITY_PRESETS)
  .map((name) => `"${name}"`)
  .join(", ")} or { "level": number, "width": number above 0 }`;

const settingsSchema = v.strictObject({
  features: v.pipe(v.array(whole), v.minLength(2, "at least two levels")),
  dropout: v.array(v.pipe(v.number(), v.minValue(0, FRACTION), v.ltValue(1, "a number below 1"))),
  spacing: v.union(
    [v.literal("auto"), v.strictTuple([positive, positive, positive])],
    '"auto" or three numbers above 0',
  ),
  patchSize: v.union([v.literal("auto"), v.strictTuple([whole, whole, whole])], '"auto" or three whole numbers'),
  batch: whole,
  steps: whole,
  learningRate: v.pipe(v.number(), v.minValue(0, "a number of at least 0")),
  schedule: v.picklist(["polynomial", "constant"]),
  foreground: fraction,
  intensity: v.union(
    [
      v.picklist(["auto", "percentiles", ...(Object.keys(INTENSITY_PRESETS) as IntensityPreset[])]),
      v.strictObject({ level: v.number(), width: positive }),
    ],
    WINDOW,
  ),
  augmentation: v.union(
    [
      v.picklist(["none", "default"]),
      v.custom<AugmentationOptions>((value) => typeof value === "object" && value !== null && !Array.isArray(value)),
    ],
    AUGMENTATION,
  ),
  validateEvery: v.pipe(v.number(), v.integer(COUNT), v.minValue(0, "a whole number of at least 0")),
  validation: fraction,
  checkpointEvery: whole,
  seed: v.pipe(v.number(), v.integer("a whole number")),
});

const { spacing: _spacing, patchSize: _patchSize, intensity: _intensity, ...unplanned } = settingsSchema.entries;

const runConfigSchema = v.strictObject({
  version: v.literal(2),
  ...unplanned,
  plan: v.pipe(
    v.unknown(),
    v.transform((plan) => readPlan(plan, "plan")),
  ),
  method: v.string(),
  preset: v.string(),
  classes: v.pipe(v.array(v.string()), v.minLength(2)),
  labelValues: v.array(v.number()),
  deepSupervision: v.boolean(),
  data: v.string(),
  annotatedCases: v.record(v.string(), v.number()),
  trainingCases: v.number(),
  validationCases: v.array(v.string()),
  engine: v.string(),
  device: v.string(),
});

/** Settings that belong together. */
export const PRESETS: Readonly<Record<"strong" | "quick", TrainSettings>> = {
  strong: {
    features: [16, 32, 64, 128],
    dropout: [0, 0, 0.1, 0.2],
    spacing: "auto",
    patchSize: "auto",
    batch: 2,
    steps: 20_000,
    learningRate: 0.003,
    schedule: "polynomial",
    foreground: 0.5,
    intensity: "auto",
    augmentation: "default",
    validateEvery: 1000,
    validation: 0.1,
    checkpointEvery: 250,
    seed: 1,
  },
  quick: {
    features: [8, 16, 32, 64],
    dropout: [0, 0, 0, 0],
    spacing: "auto",
    patchSize: [32, 32, 32],
    batch: 2,
    steps: 600,
    learningRate: 0.01,
    schedule: "polynomial",
    foreground: 0.5,
    intensity: "soft-tissue",
    augmentation: "none",
    validateEvery: 0,
    validation: 0,
    checkpointEvery: 100,
    seed: 1,
  },
};

/**
 * Checks settings given by a person, some or all of them.
 *
 * @param where - Names the file or flag in errors.
 * @throws ConfigError that names the field, what was found and what was expected.
 */
export function checkSettings(settings: unknown, where: string): Partial<TrainSettings> {
  const fields = Object.keys(settingsSchema.entries);
  return parse(v.partial(settingsSchema), settings, where, fields) as Partial<TrainSettings>;
}

/** Checks the contents of a `config.json`. @throws ConfigError */
export function checkRunConfig(config: unknown, where: string): RunConfig {
  return parse(runConfigSchema, config, where, Object.keys(runConfigSchema.entries));
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  where: string,
  fields: readonly string[],
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const field = v.getDotPath(issue) ?? "(the whole)";
  const unknown = issue.type === "strict_object" && issue.expected === "never";
  if (unknown)
    throw new ConfigError(
      `${where}: there is no setting "${field}".${suggest(field, fields)} Settings: ${fields.join(", ")}.`,
    );
  throw new ConfigError(`${where}: ${field}: expected ${issue.expected ?? issue.message}, got ${issue.received}.`);
}
