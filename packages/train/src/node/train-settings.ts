import { type AugmentationOptions, INTENSITY_PRESETS, type IntensityPreset, type IntensityRule } from "@plseg/data";
import * as v from "valibot";
import { OBJECTIVE_DEFAULTS, type ObjectiveSettings } from "../objective-settings.js";
import { OPTIMIZER_DEFAULTS, type OptimizerSettings } from "../optimizer-settings.js";
import { SCHEDULE_DEFAULTS, type Schedule } from "../schedule.js";
import { parseSettings } from "./parse-settings.js";
import { namedChoice, settingsObject } from "./settings-schema.js";

/** A time in epochs. An epoch has as many steps as the training cases fill whole batches, one at least. */
export interface Epochs {
  /** How many; a part of one counts too. */
  readonly epochs: number;
}

/**
 * Which labeled cases are kept aside: a share of them drawn by the seed; one of several parts, into which the seed deals
 * them; those that a file lists as `val` (nnU-Net's `splits_final.json`, of which `train` says what to learn from); or
 * those named.
 */
export type ValidationSplit =
  | number
  | { readonly folds: number; readonly fold: number }
  | { readonly file: string; readonly fold: number }
  | { readonly cases: string[] };

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
  /** Pieces of a batch of which one is in memory at a time; the batch is a multiple of it. */
  readonly accumulate: number;
  /** Steps in all, or epochs: as many steps as the training cases fill whole batches. */
  readonly steps: number | Epochs;
  /** Turns gradients into changes of the weights. */
  readonly optimizer: OptimizerSettings;
  /** Before warm-up and schedule. */
  readonly learningRate: number;
  /** How the learning rate changes. */
  readonly schedule: Schedule;
  /** Steps over which the learning rate grows from 0; 0 for none. */
  readonly warmup: number;
  /** A gradient of a larger norm is shortened to it; 0: none is. */
  readonly clipNorm: number;
  /** Share of the averaged weights that a step keeps; 0: the weights are not averaged. */
  readonly averageDecay: number;
  /** Weights and constants of the method's objective. */
  readonly objective: ObjectiveSettings;
  /** Part of the patches drawn around a voxel of an annotated organ. */
  readonly foreground: number;
  /** Hounsfield window that becomes [−1, 1], or its name, `"percentiles"` of the organs, `"scan-range"`; `"auto"`: of the plan. */
  readonly intensity: IntensityRule | IntensityPreset | "percentiles" | "auto";
  /** How patches are varied: not at all, as `AUGMENTATION_DEFAULTS` of `@plseg/data` say, or those with changes. */
  readonly augmentation: "none" | "default" | AugmentationOptions;
  /** Steps or epochs between validations; 0 for none. */
  readonly validateEvery: number | Epochs;
  /** Which labeled cases are kept aside for validation. */
  readonly validation: ValidationSplit;
  /** Steps or epochs between checkpoints. */
  readonly checkpointEvery: number | Epochs;
  /** Steps or epochs between checkpoints that are kept, `checkpoint-000500` and so on; 0 for none. */
  readonly keepEvery: number | Epochs;
  /** How often a run may go back to a checkpoint because a step went wrong, before it gives up. */
  readonly rollbacks: number;
  /** Of the first weights, patches, dropout and the choice of validation cases. */
  readonly seed: number;
}

const COUNT = "a whole number of at least 1";
const FRACTION = "a number from 0 to 1";
const POSITIVE = "a number above 0";
const NOT_NEGATIVE = "a number of at least 0";
const BELOW_ONE = "a number from 0 to below 1";
const COUNT_OR_NONE = "a whole number of at least 0";

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
const WINDOW = `"auto", "percentiles", "scan-range", ${Object.keys(INTENSITY_PRESETS)
  .map((name) => `"${name}"`)
  .join(", ")} or { "level": number, "width": number above 0 }`;

const epochs = settingsObject({ epochs: positive });
const stepsOrEpochs = v.lazy((value) => (typeof value === "object" ? epochs : whole));
const fromZero = v.pipe(v.number(), v.minValue(0, NOT_NEGATIVE));
const belowOne = v.pipe(v.number(), v.minValue(0, BELOW_ONE), v.ltValue(1, BELOW_ONE));
const count = v.pipe(v.number(), v.integer(COUNT_OR_NONE), v.minValue(0, COUNT_OR_NONE));
const countOrEpochs = v.lazy((value) => (typeof value === "object" ? epochs : count));

const objective = settingsObject({
  contrastiveWeight: v.optional(fromZero, OBJECTIVE_DEFAULTS.contrastiveWeight),
  distillationWeight: v.optional(fromZero, OBJECTIVE_DEFAULTS.distillationWeight),
  temperature: v.optional(positive, OBJECTIVE_DEFAULTS.temperature),
  scaleWeights: v.optional(
    v.union([v.literal("equal"), v.array(fromZero)], '"equal" or a list of numbers of at least 0'),
    OBJECTIVE_DEFAULTS.scaleWeights,
  ),
  window: v.optional(whole, OBJECTIVE_DEFAULTS.window),
  minWeight: v.optional(fromZero, OBJECTIVE_DEFAULTS.minWeight),
  presence: v.optional(v.picklist(["annotated", "crop"]), OBJECTIVE_DEFAULTS.presence),
  absentWeight: v.optional(fromZero, OBJECTIVE_DEFAULTS.absentWeight),
});

const splits = {
  folds: settingsObject({
    folds: v.pipe(v.number(), v.integer(), v.minValue(2, "a whole number of at least 2")),
    fold: count,
  }),
  file: settingsObject({ file: v.string(), fold: v.optional(count, 0) }),
  cases: settingsObject({ cases: v.array(v.string()) }),
};
const validation = v.lazy((value): v.GenericSchema<unknown, ValidationSplit> => {
  if (typeof value !== "object" || value === null) return fraction;
  if ("folds" in value) return splits.folds;
  return "file" in value ? splits.file : splits.cases;
});

/** Schema of {@link TrainSettings}. */
export const settingsSchema: v.StrictObjectSchema<
  { readonly [Name in keyof TrainSettings]: v.GenericSchema<unknown, TrainSettings[Name]> },
  (issue: v.StrictObjectIssue) => string
> = settingsObject({
  features: v.pipe(v.array(whole), v.minLength(2, "at least two levels")),
  dropout: v.array(belowOne),
  spacing: v.union(
    [v.literal("auto"), v.strictTuple([positive, positive, positive])],
    '"auto" or three numbers above 0',
  ),
  patchSize: v.union([v.literal("auto"), v.strictTuple([whole, whole, whole])], '"auto" or three whole numbers'),
  batch: whole,
  accumulate: whole,
  steps: stepsOrEpochs,
  optimizer: namedChoice<OptimizerSettings>(OPTIMIZER_DEFAULTS, {
    beta1: belowOne,
    beta2: belowOne,
    epsilon: fromZero,
    momentum: belowOne,
    weightDecay: fromZero,
  }),
  learningRate: fromZero,
  schedule: namedChoice<Schedule>(SCHEDULE_DEFAULTS, {
    power: fromZero,
    minLearningRate: fromZero,
    at: v.array(v.pipe(fraction, v.gtValue(0, FRACTION))),
    factor: fraction,
    patience: count,
    threshold: fromZero,
    epsilon: fromZero,
  }),
  warmup: count,
  clipNorm: fromZero,
  averageDecay: belowOne,
  objective,
  foreground: fraction,
  intensity: v.union(
    [
      v.picklist(["auto", "percentiles", "scan-range", ...(Object.keys(INTENSITY_PRESETS) as IntensityPreset[])]),
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
  validateEvery: countOrEpochs,
  validation,
  checkpointEvery: stepsOrEpochs,
  keepEvery: countOrEpochs,
  rollbacks: count,
  seed: v.pipe(v.number(), v.integer("a whole number")),
});

/**
 * Checks settings given by a person, some or all of them.
 *
 * @param where - Names the file or flag in errors.
 * @throws ConfigError that names the field, what was found and what was expected.
 */
export function checkSettings(settings: unknown, where: string): Partial<TrainSettings> {
  return parseSettings(v.partial(settingsSchema), settings, where) as Partial<TrainSettings>;
}
