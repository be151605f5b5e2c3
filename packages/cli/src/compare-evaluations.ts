import { DataError } from "@plseg/core";
import { type Comparison, compareCases } from "@plseg/metrics";
import { distinctNames } from "./distinct-names.js";
import type { Evaluation } from "./evaluate-folder.js";

/** How one evaluation differs from another of the same cases. */
export interface EvaluationComparison extends Comparison {
  /** What differences are of: the first's scores less the second's. */
  readonly names: readonly [first: string, second: string];
  /** Identifiers of the cases, in the order of the differences. */
  readonly cases: readonly string[];
}

/** An evaluation and the folder or file of its predictions. */
export interface EvaluatedPredictions {
  /** Path of them. */
  readonly predictions: string;
  /** What `evaluateFolder` found. */
  readonly evaluation: Evaluation;
}

/**
 * Compares the scores of two folders of predictions, case by case, organ by organ, where both have a score: so only where
 * the organ is annotated.
 *
 * @throws DataError if they have no case in common.
 */
export function compareEvaluations(first: EvaluatedPredictions, second: EvaluatedPredictions): EvaluationComparison {
  const shared = first.evaluation.cases.flatMap((one) => {
    const other = second.evaluation.cases.find(({ id }) => id === one.id);
    return other ? [{ id: one.id, first: one.scores, second: other.scores }] : [];
  });
  if (shared.length === 0)
    throw new DataError(
      `evaluate: ${first.predictions} and ${second.predictions} have no case in common. Files are paired by name.`,
    );
  const [one = first.predictions, other = second.predictions] = distinctNames([first.predictions, second.predictions]);
  return {
    names: [one, other],
    cases: shared.map(({ id }) => id),
    ...compareCases(
      shared.map((entry) => entry.first),
      shared.map((entry) => entry.second),
    ),
  };
}
