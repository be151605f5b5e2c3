import { withDefaults } from "@plseg/core";

/** What {@link reduceOnPlateau} remembers between validations. */
export interface PlateauState {
  /** Of the steps until the next validation. */
  readonly learningRate: number;
  /** Best score so far; `-Infinity` before the first. */
  readonly best: number;
  /** Validations since the best score or the last reduction. */
  readonly waited: number;
}

/** Options of {@link reduceOnPlateau}, by PyTorch's names. */
export interface PlateauOptions {
  /** What a reduction multiplies the learning rate by. */
  readonly factor?: number;
  /** Validations without progress that are borne. */
  readonly patience?: number;
  /** Share of the best score by which another must be better to count as progress. */
  readonly threshold?: number;
  /** Least learning rate. */
  readonly minLearningRate?: number;
  /** Reductions by no more than this are not made. */
  readonly epsilon?: number;
}

/** What {@link reduceOnPlateau} uses where an option is missing: PL-Seg's values. */
export const PLATEAU_DEFAULTS: Required<PlateauOptions> = {
  factor: 0.95,
  patience: 4,
  threshold: 1e-4,
  minLearningRate: 1e-4,
  epsilon: 1e-8,
};

/**
 * The learning rate after one more validation: reduced once the score has not got better for longer than the patience.
 *
 * @param state - At first `{ learningRate, best: -Infinity, waited: 0 }`.
 * @param score - The larger the better, such as a mean Dice.
 * @see PyTorch `ReduceLROnPlateau(mode="max", threshold_mode="rel")`, with which it agrees.
 */
export function reduceOnPlateau(state: PlateauState, score: number, options: PlateauOptions = {}): PlateauState {
  const { factor, patience, threshold, minLearningRate, epsilon } = withDefaults(PLATEAU_DEFAULTS, options);
  const { learningRate, best } = state;
  if (score > best * (1 + threshold)) return { learningRate, best: score, waited: 0 };
  const waited = state.waited + 1;
  if (waited <= patience) return { learningRate, best, waited };
  const reduced = Math.max(learningRate * factor, minLearningRate);
  return { learningRate: learningRate - reduced > epsilon ? reduced : learningRate, best, waited: 0 };
}
