import { resolve } from "node:path";
import { ConfigError } from "@plseg/core";
import { augmentationSettings } from "@plseg/data";
import { type Dataset, fingerprintDataset } from "@plseg/data/node";
import { DISTILL_OLD_CLASSES_DEFAULTS } from "../distill-old-classes.js";
import type { Method } from "../method.js";
import { configFrom } from "./begin-from.js";
import { labeledCases } from "./labeled-cases.js";
import { planRun } from "./plan-run.js";
import type { RunConfig } from "./run-config.js";
import { splitCases } from "./split-cases.js";
import type { TrainRunOptions } from "./train-run-options.js";
import type { Epochs, TrainSettings } from "./train-settings.js";

/**
 * The `config.json` of a run that begins: settings with every default filled in, the plan, and what the dataset says.
 *
 * @param cache - Folder where the fingerprint of the dataset is kept.
 * @throws DataError or ConfigError for bad data or settings.
 */
export async function freshConfig(
  {
    method,
    preset,
    settings,
    data,
    plan,
    engineName,
    device,
    origin,
    distillation,
    onPrepare,
    signal,
  }: TrainRunOptions,
  { deepSupervision }: Method,
  dataset: Dataset,
  cache: string,
): Promise<RunConfig> {
  const { classes, labelValues } = dataset;
  const cases = labeledCases(dataset);
  const split = await splitCases(
    cases.map(({ id }) => id),
    settings,
  );
  checkSchedule(settings, split.validation);
  const training = cases.filter(({ id }) => split.training.includes(id));
  const inSteps = (time: number | Epochs): number => stepsOf(time, Math.floor(training.length / settings.batch));
  const annotating = (index: number): number => training.filter(({ annotated }) => annotated[index]).length;
  const { spacing: _spacing, patchSize: _patchSize, intensity: _intensity, ...rest } = settings;
  return {
    version: 3,
    method,
    preset,
    ...rest,
    steps: inSteps(settings.steps),
    validateEvery: inSteps(settings.validateEvery),
    checkpointEvery: inSteps(settings.checkpointEvery),
    keepEvery: inSteps(settings.keepEvery),
    augmentation: filledIn(settings.augmentation),
    plan: await planRun(settings, {
      plan,
      fingerprint: () =>
        fingerprintDataset(dataset, {
          cache,
          onProgress: (done, total) => onPrepare?.("fingerprint", done, total),
          ...(signal && { signal }),
        }),
    }),
    deepSupervision,
    classes: [...classes.names],
    labelValues: [...labelValues],
    ...(origin && configFrom(origin, settings, dataset, distillation ?? DISTILL_OLD_CLASSES_DEFAULTS.weight)),
    data: resolve(data),
    annotatedCases: Object.fromEntries(classes.foreground.map((name) => [name, annotating(classes.indexOf(name))])),
    trainingCases: training.length,
    validationCases: split.validation,
    unusedCases: split.unused,
    engine: engineName,
    device,
  };
}

const filledIn = (augmentation: TrainSettings["augmentation"]): TrainSettings["augmentation"] =>
  augmentation === "none" ? "none" : augmentationSettings(augmentation === "default" ? {} : augmentation);

/** A time in steps; an epoch has at least one. */
const stepsOf = (time: number | Epochs, stepsPerEpoch: number): number =>
  typeof time === "number" ? time : Math.max(1, Math.round(time.epochs * Math.max(1, stepsPerEpoch)));

/** @throws ConfigError if the schedule waits for validations and there are none. */
function checkSchedule({ schedule, validateEvery }: TrainSettings, held: readonly string[]): void {
  if (schedule.name !== "plateau" || (validateEvery !== 0 && held.length > 0)) return;
  throw new ConfigError(
    `trainRun: the schedule "plateau" needs validation, got validateEvery ${JSON.stringify(validateEvery)} and ${held.length} cases kept aside. Set validateEvery and validation, or choose another schedule.`,
  );
}
