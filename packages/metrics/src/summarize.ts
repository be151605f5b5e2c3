import { ConfigError, Random, withDefaults } from "@plseg/core";
import type { ClassScores, Metric } from "./evaluate-case.js";
import { quantile } from "./hausdorff95.js";

/** Options of `summarize`. */
export interface SummarizeOptions {
  /** Probability that the interval claims to cover, in (0, 1). */
  readonly confidence?: number;
  /** Number of bootstrap samples. */
  readonly resamples?: number;
  /** Seed of the bootstrap. */
  readonly seed?: number | string;
}

/** Defaults of `summarize`. */
export const SUMMARIZE_DEFAULTS: Required<SummarizeOptions> = { confidence: 0.95, resamples: 1000, seed: 0 };

/** A mean with its bootstrap confidence interval. */
export interface MeanScore {
  /** `null` if nothing was counted. */
  readonly mean: number | null;
  /** Bounds of the interval; `null` with fewer than two cases. */
  readonly interval: readonly [low: number, high: number] | null;
}

/** One metric of one class over the cases in which it has a value. */
export interface ClassMean extends MeanScore {
  /** Over the cases counted; `null` if there is none. */
  readonly median: number | null;
  /** Number of cases counted. */
  readonly cases: number;
}

/** One metric over the foreground classes. */
export interface ForegroundMean extends MeanScore {
  /** Number of classes counted: those with a value in at least one case. */
  readonly classes: number;
}

/** What `summarize` returns. */
export interface Summary<M extends Metric = Metric> {
  /** By class name, in the order in which the classes occur. */
  readonly classes: Readonly<Record<string, Readonly<Record<M, ClassMean>>>>;
  /** Mean over classes of the classes' means, so that often annotated classes count no more than rare ones. */
  readonly foreground: Readonly<Record<M, ForegroundMean>>;
}

/**
 * Summarizes the scores of several cases per class, and over the classes. Scores that are `null` are not counted, so a
 * mean says nothing about cases without a value: read it together with `cases`.
 *
 * Intervals are percentile bootstrap intervals: cases are drawn with replacement, and everything is computed anew.
 *
 * @param cases - What `evaluateCase` returned for each case.
 * @throws ConfigError if the confidence is not in (0, 1) or there are no resamples.
 * @see Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
 */
export function summarize<M extends Metric = Metric>(
  cases: readonly (readonly ClassScores<M>[])[],
  options: SummarizeOptions = {},
): Summary<M> {
  const { confidence, resamples, seed } = withDefaults(SUMMARIZE_DEFAULTS, options);
  if (!(confidence > 0 && confidence < 1))
    throw new ConfigError(`summarize: confidence must lie between 0 and 1, got ${confidence}.`);
  if (!(Number.isInteger(resamples) && resamples > 0))
    throw new ConfigError(`summarize: resamples must be a positive whole number, got ${resamples}.`);
  const names = [...new Set(cases.flatMap((scores) => scores.map((score) => score.class)))];
  const metrics = [...new Set(cases.flatMap((scores) => scores.flatMap((score) => Object.keys(score.scores) as M[])))];
  const draws = drawCases(cases.length, resamples, seed);

  const classes: Record<string, Record<M, ClassMean>> = {};
  for (const name of names) classes[name] = {} as Record<M, ClassMean>;
  const foreground = {} as Record<M, ForegroundMean>;
  for (const metric of metrics) {
    const table = names.map((name) =>
      cases.map((scores) => scores.find((s) => s.class === name)?.scores[metric] ?? null),
    );
    const resampled = table.map((column) => draws.map((draw) => meanOf(draw.map((i) => column[i] ?? null))));
    for (const [c, name] of names.entries()) {
      const values = counted(table[c] ?? []).sort((a, b) => a - b);
      (classes[name] as Record<M, ClassMean>)[metric] = {
        mean: meanOf(values),
        median: values.length > 0 ? quantile(values, 0.5) : null,
        cases: values.length,
        interval: values.length > 1 ? interval(resampled[c] ?? [], confidence) : null,
      };
    }
    const means = table.map(meanOf);
    foreground[metric] = {
      mean: meanOf(means),
      classes: counted(means).length,
      interval:
        cases.length > 1
          ? interval(
              draws.map((_, draw) => meanOf(resampled.map((column) => column[draw] ?? null))),
              confidence,
            )
          : null,
    };
  }
  return { classes, foreground };
}

/** `resamples` lists of case indices, each as long as there are cases. */
function drawCases(count: number, resamples: number, seed: number | string): number[][] {
  const random = Random.of("summarize", seed);
  return Array.from({ length: resamples }, () => Array.from({ length: count }, () => random.integer(count)));
}

const counted = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);

/** Mean of the values that are not `null`; `null` if there are none. */
function meanOf(values: readonly (number | null)[]): number | null {
  const known = counted(values);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

/** Percentile interval of the resampled means; `null` if no resample had a value. */
function interval(means: readonly (number | null)[], confidence: number): [number, number] | null {
  const sorted = counted(means).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  return [quantile(sorted, (1 - confidence) / 2), quantile(sorted, (1 + confidence) / 2)];
}
