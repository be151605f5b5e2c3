import { ConfigError, type Size3D, suggest } from "@plseg/core";
import * as v from "valibot";

const whole = v.pipe(v.number(), v.integer(), v.minValue(1));
const size = v.strictTuple([whole, whole, whole]);
const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/** What can be chosen about a training, by a person or a preset. */
export const TrainSettingsSchema = v.strictObject({
  /** Channels of each level of the network, finest first. */
  features: v.pipe(v.array(whole), v.minLength(2)),
  /** Share of values dropped at each level. */
  dropout: v.array(fraction),
  /** Voxels along depth, height, width. */
  patchSize: size,
  batch: whole,
  steps: whole,
  learningRate: v.pipe(v.number(), v.minValue(0)),
  schedule: v.picklist(["polynomial", "constant"]),
  /** Part of the patches drawn around a voxel of an annotated organ. */
  foreground: fraction,
  /** Hounsfield window that becomes [−1, 1]. */
  intensity: v.strictObject({ level: v.number(), width: v.pipe(v.number(), v.gtValue(0)) }),
  /** Steps between validations; 0 for none. */
  validateEvery: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Share of the labeled cases kept aside for validation. */
  validation: fraction,
  /** Steps between checkpoints. */
  checkpointEvery: whole,
  seed: v.pipe(v.number(), v.integer()),
});

/** What can be chosen about a training. */
export type TrainSettings = v.InferOutput<typeof TrainSettingsSchema>;

const RunConfigSchema = v.strictObject({
  version: v.literal(1),
  ...TrainSettingsSchema.entries,
  method: v.string(),
  preset: v.string(),
  /** Names, background first. */
  classes: v.pipe(v.array(v.string()), v.minLength(2)),
  /** Value of each class in label files. */
  labelValues: v.array(v.number()),
  /** Whether the network gives logits at several scales. */
  deepSupervision: v.boolean(),
  /** Median spacing of the training cases, millimeters along depth, height, width. */
  spacing: v.strictTuple([v.number(), v.number(), v.number()]),
  /** Folder of the dataset. */
  data: v.string(),
  /** Number of training cases that annotate each class, by name. */
  annotatedCases: v.record(v.string(), v.number()),
  trainingCases: v.number(),
  /** Identifiers of the cases kept aside. */
  validationCases: v.array(v.string()),
  engine: v.string(),
  device: v.string(),
});

/** Everything about a training run, defaults filled in: its `config.json`. */
export type RunConfig = v.InferOutput<typeof RunConfigSchema>;

/** Settings that belong together. */
export const PRESETS: Readonly<Record<"strong" | "quick", TrainSettings>> = {
  strong: {
    features: [16, 32, 64, 128],
    dropout: [0, 0, 0.1, 0.2],
    patchSize: [64, 96, 96],
    batch: 2,
    steps: 20_000,
    learningRate: 0.003,
    schedule: "polynomial",
    foreground: 0.5,
    intensity: { level: 40, width: 400 },
    validateEvery: 1000,
    validation: 0.1,
    checkpointEvery: 250,
    seed: 1,
  },
  quick: {
    features: [8, 16, 32, 64],
    dropout: [0, 0, 0, 0],
    patchSize: [32, 32, 32],
    batch: 2,
    steps: 600,
    learningRate: 0.01,
    schedule: "polynomial",
    foreground: 0.5,
    intensity: { level: 40, width: 400 },
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
  return parse(v.partial(TrainSettingsSchema), settings, where, Object.keys(TrainSettingsSchema.entries));
}

/** Checks the contents of a `config.json`. @throws ConfigError */
export function checkRunConfig(config: unknown, where: string): RunConfig {
  return parse(RunConfigSchema, config, where, Object.keys(RunConfigSchema.entries));
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
    throw new ConfigError(`${where}: there is no setting "${field}".${suggest(field, fields)} Settings: ${fields.join(", ")}.`);
  throw new ConfigError(`${where}: ${field}: expected ${issue.expected ?? "another value"}, got ${issue.received}.`);
}

/** Sizes along depth, height and width, for people: `96,128,128`. */
export const showSize = (patchSize: Size3D): string => patchSize.join(",");
