import { ShapeError, withDefaults } from "@plseg/core";
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
import { holm } from "./holm.js";
import type { ForegroundMean, MeanScore } from "./summarize.js";
import { wilcoxonSignedRank } from "./wilcoxon-signed-rank.js";

/** Options of `compareCases`: of the bootstrap. */
export type CompareCasesOptions = BootstrapOptions;

/** Defaults of `compareCases`. */
export const COMPARE_CASES_DEFAULTS: Required<CompareCasesOptions> = BOOTSTRAP_DEFAULTS;

/** How one metric of one class differs between two segmentations of the same cases: the first's less the second's. */
export interface ClassDifference extends MeanScore {
  /** Of the differences; `null` if there is none. */
  readonly median: number | null;
  /** One per case, in the order of the cases; `null` unless both have a value. */
  readonly differences: readonly (number | null)[];
  /** Cases in which both have a value. */
  readonly pairs: number;
  /** Cases in which only one of the two has a value, and which therefore say nothing here. */
  readonly unpaired: number;
  /** Pairs in which the first is better. */
  readonly better: number;
  /** Pairs in which the first is worse. */
  readonly worse: number;
  /** Two-sided, of Wilcoxon's signed-rank test; `null` without pairs. */
  readonly p: number | null;
  /** The same, corrected by Holm for the number of classes tested. */
  readonly pHolm: number | null;
}

/** What `compareCases` returns. */
export interface Comparison<M extends Metric = Metric> {
  /** By class name, in the order in which the classes occur. */
  readonly classes: Readonly<Record<string, Readonly<Record<M, ClassDifference>>>>;
  /** Mean over classes of the classes' mean differences. */
  readonly foreground: Readonly<Record<M, ForegroundMean>>;
}

/** What is compared of the scores of a class in a case; what `evaluateCase` returns has it. */
export type ComparedScores<M extends Metric = Metric> = Pick<ClassScores<M>, "class" | "scores">;

/** Whether more of a metric is better. */
export const MORE_IS_BETTER: Readonly<Record<Metric, boolean>> = {
  dice: true,
  iou: true,
  nsd: true,
  assd: false,
  hd95: false,
  rve: false,
};

/**
 * Compares two segmentations of the same cases, class by class, in the cases in which both have a score: so only where the
 * class is annotated.
 *
 * Intervals of the mean difference are percentile bootstrap intervals over cases. The test is Wilcoxon's signed-rank test
 * (see `wilcoxonSignedRank`); its p values are also given corrected by Holm over the classes of a metric.
 *
 * @param first - What `evaluateCase` returned for each case.
 * @param second - The same for the other segmentation, in the same order.
 * @throws ShapeError if there is not one for one. @throws ConfigError if the confidence is not in (0, 1) or there are no
 * resamples.
 */
export function compareCases<M extends Metric = Metric>(
  first: readonly (readonly ComparedScores<M>[])[],
  second: readonly (readonly ComparedScores<M>[])[],
  options: CompareCasesOptions = {},
): Comparison<M> {
  const bootstrap = withDefaults(COMPARE_CASES_DEFAULTS, options);
  checkBootstrap("compareCases", bootstrap);
  if (first.length !== second.length)
    throw new ShapeError(
      `compareCases: both must score the same cases in the same order, got ${first.length} and ${second.length} cases.`,
    );
  const names = [...new Set(first.flatMap((scores) => scores.map((score) => score.class)))];
  const metrics = [...new Set(first.flatMap((scores) => scores.flatMap((score) => Object.keys(score.scores) as M[])))];
  const draws = drawCases(first.length, bootstrap.resamples, bootstrap.seed);
  const classes: Record<string, Record<M, ClassDifference>> = {};
  for (const name of names) classes[name] = {} as Record<M, ClassDifference>;
  const foreground = {} as Record<M, ForegroundMean>;
  for (const metric of metrics) {
    const scoreOf = (scores: readonly ComparedScores<M>[] | undefined, name: string): number | null =>
      scores?.find((score) => score.class === name)?.scores[metric] ?? null;
    const pairs = names.map((name) => first.map((scores, i) => [scoreOf(scores, name), scoreOf(second[i], name)]));
    const table = pairs.map((row) => row.map(([a = null, b = null]) => (a === null || b === null ? null : a - b)));
    const means = bootstrapMeans(table, draws, bootstrap.confidence);
    const p = table.map((row) => (counted(row).length > 0 ? wilcoxonSignedRank(counted(row)).p : null));
    const corrected = holm(p);
    for (const [c, name] of names.entries()) {
      const differences = table[c] ?? [];
      const gains = counted(differences).map((difference) => (MORE_IS_BETTER[metric] ? difference : -difference));
      (classes[name] as Record<M, ClassDifference>)[metric] = {
        mean: means.classes[c]?.mean ?? null,
        interval: means.classes[c]?.interval ?? null,
        median: medianOf(differences),
        differences,
        pairs: gains.length,
        unpaired: (pairs[c] ?? []).filter(([a, b]) => (a === null) !== (b === null)).length,
        better: gains.filter((gain) => gain > 0).length,
        worse: gains.filter((gain) => gain < 0).length,
        p: p[c] ?? null,
        pHolm: corrected[c] ?? null,
      };
    }
    foreground[metric] = { ...means.overall, classes: counted(means.classes.map(({ mean }) => mean)).length };
  }
  return { classes, foreground };
}
