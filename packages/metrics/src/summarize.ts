import { withDefaults } from "@plseg/core";
import {
  BOOTSTRAP_DEFAULTS,
  type BootstrapOptions,
  bootstrapMeans,
  checkBootstrap,
  counted,
  drawCases,
  medianOf,
} from "./bootstrap.js";
import type { ClassScores, Metric } from "./evaluate-case.js";

/** Options of `summarize`. */
export type SummarizeOptions = BootstrapOptions;

/** Defaults of `summarize`. */
export const SUMMARIZE_DEFAULTS: Required<SummarizeOptions> = BOOTSTRAP_DEFAULTS;

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
  const bootstrap = withDefaults(SUMMARIZE_DEFAULTS, options);
  checkBootstrap("summarize", bootstrap);
  const names = [...new Set(cases.flatMap((scores) => scores.map((score) => score.class)))];
  const metrics = [...new Set(cases.flatMap((scores) => scores.flatMap((score) => Object.keys(score.scores) as M[])))];
  const draws = drawCases(cases.length, bootstrap.resamples, bootstrap.seed);

  const classes: Record<string, Record<M, ClassMean>> = {};
  for (const name of names) classes[name] = {} as Record<M, ClassMean>;
  const foreground = {} as Record<M, ForegroundMean>;
  for (const metric of metrics) {
    const table = names.map((name) =>
      cases.map((scores) => scores.find((s) => s.class === name)?.scores[metric] ?? null),
    );
    const means = bootstrapMeans(table, draws, bootstrap.confidence);
    for (const [c, name] of names.entries()) {
      const values = table[c] ?? [];
      (classes[name] as Record<M, ClassMean>)[metric] = {
        mean: means.classes[c]?.mean ?? null,
        median: medianOf(values),
        cases: counted(values).length,
        interval: means.classes[c]?.interval ?? null,
      };
    }
    foreground[metric] = { ...means.overall, classes: counted(means.classes.map(({ mean }) => mean)).length };
  }
  return { classes, foreground };
}
