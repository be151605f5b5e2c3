import { resolve } from "node:path";
import { Random } from "@plseg/core";
import { augmentationSettings } from "@plseg/data";
import { type Dataset, type DatasetCase, fingerprintDataset } from "@plseg/data/node";
import type { Method } from "../method.js";
import { labeledCases } from "./labeled-cases.js";
import { planRun } from "./plan-run.js";
import type { RunConfig, TrainSettings } from "./run-config.js";
import type { TrainRunOptions } from "./train-run-options.js";

/**
 * The `config.json` of a run that begins: settings with every default filled in, the plan, and what the dataset says.
 *
 * @param cache - Folder where the fingerprint of the dataset is kept.
 * @throws DataError or ConfigError for bad data or settings.
 */
export async function freshConfig(
  { method, preset, settings, data, plan, engineName, device, onPrepare, signal }: TrainRunOptions,
  { deepSupervision }: Method,
  dataset: Dataset,
  cache: string,
): Promise<RunConfig> {
  const { classes, labelValues } = dataset;
  const cases = labeledCases(dataset);
  const validationCases = heldOut(cases, settings);
  const training = cases.filter(({ id }) => !validationCases.includes(id));
  const annotating = (index: number): number => training.filter(({ annotated }) => annotated[index]).length;
  const { spacing: _spacing, patchSize: _patchSize, intensity: _intensity, ...rest } = settings;
  return {
    version: 2,
    method,
    preset,
    ...rest,
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
    data: resolve(data),
    annotatedCases: Object.fromEntries(classes.foreground.map((name) => [name, annotating(classes.indexOf(name))])),
    trainingCases: training.length,
    validationCases,
    engine: engineName,
    device,
  };
}

const filledIn = (augmentation: TrainSettings["augmentation"]): TrainSettings["augmentation"] =>
  augmentation === "none" ? "none" : augmentationSettings(augmentation === "default" ? {} : augmentation);

/** Cases kept aside for validation: a share drawn by the seed, never all, none if nobody validates. */
function heldOut(cases: readonly DatasetCase[], { validateEvery, validation, seed }: TrainSettings): string[] {
  if (validateEvery === 0) return [];
  const count = Math.min(Math.round(validation * cases.length), cases.length - 1);
  return Random.of(seed, "validation")
    .shuffle(cases.map(({ id }) => id))
    .slice(0, count);
}
