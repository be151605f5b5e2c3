import { ConfigError, DataError } from "@plseg/core";
import type { Dataset } from "@plseg/data/node";
import { withClasses } from "@plseg/data/node";
import { drawWeights, type FlatLayout } from "@plseg/models";
import { distillOldClasses } from "../distill-old-classes.js";
import { growClasses } from "../grow-classes.js";
import type { Method } from "../method.js";
import type { Origin } from "./read-origin.js";
import type { RunConfig } from "./run-config.js";
import { runNetworkDescription } from "./run-network.js";
import { teacherOf } from "./run-origin.js";
import type { TrainSettings } from "./train-settings.js";

/** A dataset in the classes of a run: those that a model knows already first, then those that the dataset adds. */
export function inClassesOf(dataset: Dataset, known: readonly string[]): Dataset {
  const added = dataset.classes.names.filter((name) => !known.includes(name));
  return withClasses(dataset, [...known, ...added]);
}

/**
 * What a run that begins with a model takes over from it, for its `config.json`.
 *
 * @param dataset - In the classes of the run.
 * @param distillation - Weight of the model's answers where nobody annotated what it knows.
 * @throws ConfigError if the settings ask for another network.
 */
export function configFrom(
  origin: Origin,
  { features }: TrainSettings,
  dataset: Dataset,
  distillation: number,
): Pick<RunConfig, "from" | "labelValues" | "upsample" | "imageRange"> {
  const { path, weightsSha256, classes, network } = origin;
  if (features.join() !== network.features.join())
    throw new ConfigError(
      `trainRun: features must be those of ${path}, ${network.features.join(", ")}, got ${features.join(", ")}. Leave them out of the settings.`,
    );
  return {
    from: { path, weightsSha256, classes, deepSupervision: network.deepSupervision, distillation },
    labelValues: labelValuesFor(origin, dataset),
    ...(network.upsample && { upsample: network.upsample }),
    ...(network.imageRange && { imageRange: network.imageRange }),
  };
}

/** Values on disk of the answers: the model's, then the dataset's where they are free, else the least that are. */
function labelValuesFor({ labelValues: known }: Origin, { labelValues: own }: Dataset): number[] {
  const taken = [...known];
  for (const value of own.slice(known.length)) {
    let free = value;
    for (let next = 1; taken.includes(free); next++) free = next;
    taken.push(free);
  }
  return taken;
}

/** The method of a run: with the model that it began with as a teacher, if it asks it. */
export function runMethod(method: Method, config: RunConfig, origin?: Origin): Method {
  const { from } = config;
  if (!from || from.distillation === 0) return method;
  const teacher = teacherOf(from, runNetworkDescription(config), origin?.weights);
  return distillOldClasses(method, teacher, { weight: from.distillation });
}

/**
 * The weights that a run begins with: the model's, its heads grown. Heads at scales that it did not have are drawn.
 *
 * @throws DataError if the model lacks any other weight.
 */
export function weightsFrom(
  { path, classes, weights }: Origin,
  layout: FlatLayout,
  config: RunConfig,
): { parameters: Float32Array; buffers: Float32Array } {
  const specs = [...layout.parameters, ...layout.buffers];
  const grown = growClasses(weights, { from: classes.length, to: config.classes.length });
  const missing = specs.filter(({ name }) => !grown.has(name));
  const [lost] = missing.filter(({ name }) => !name.startsWith("head."));
  if (lost) throw new DataError(`trainRun: ${path} has no weight "${lost.name}".`);
  const drawn = drawWeights(missing, config.seed);
  const values = specs.map(({ name }): [string, Float32Array] => [
    name,
    grown.get(name) ?? drawn.get(name) ?? new Float32Array(),
  ]);
  return layout.pack(new Map(values));
}
