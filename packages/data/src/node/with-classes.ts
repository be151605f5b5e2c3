import { ClassSet } from "@plseg/core";
import type { Dataset, DatasetCase } from "./dataset.js";

/** Stands for classes that label files of a dataset cannot hold. */
const NO_VALUE = -1;

/**
 * A dataset as one of more classes, in another order: those that it does not have are unannotated in every case.
 *
 * @param names - Background first; every class of the dataset must be among them.
 * @throws ConfigError naming a class of the dataset that is not.
 */
export function withClasses(dataset: Dataset, names: readonly string[]): Dataset {
  const classes = new ClassSet(names);
  for (const name of dataset.classes.names) classes.indexOf(name);
  const ownIndex = names.map((name) => dataset.classes.names.indexOf(name));
  const widened = (entry: DatasetCase): DatasetCase => {
    return { ...entry, annotated: ownIndex.map((own) => own >= 0 && entry.annotated[own] === true) };
  };
  return {
    ...dataset,
    classes,
    labelValues: ownIndex.map((own) => dataset.labelValues[own] ?? NO_VALUE),
    training: dataset.training.map(widened),
    test: dataset.test.map(widened),
  };
}
