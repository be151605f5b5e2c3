import { DataError } from "@plseg/core";
import type { Dataset, DatasetCase } from "@plseg/data/node";

/** Training cases that have labels. Unlabeled ones teach nothing here and are left out. @throws DataError if there are none. */
export function labeledCases(dataset: Dataset): DatasetCase[] {
  const labeled = dataset.training.filter(({ labels, annotated }) => labels && annotated.slice(1).some(Boolean));
  if (labeled.length > 0) return labeled;
  throw new DataError(
    `trainRun: ${dataset.root} has no training case with an annotated class. Look at it with "plseg data inspect".`,
  );
}
