import { ConfigError, Random } from "@plseg/core";
import { quantile } from "./hausdorff95.js";

/** Options of a bootstrap over cases. */
export interface BootstrapOptions {
  /** Probability that the interval claims to cover, in (0, 1). */
  readonly confidence?: number;
  /** Number of bootstrap samples. */
  readonly resamples?: number;
  /** Seed of the bootstrap. */
  readonly seed?: number | string;
}

/** Defaults of a bootstrap. */
export const BOOTSTRAP_DEFAULTS: Required<BootstrapOptions> = { confidence: 0.95, resamples: 1000, seed: 0 };

/** @throws ConfigError if the confidence is not in (0, 1) or there are no resamples. */
export function checkBootstrap(caller: string, { confidence, resamples }: Required<BootstrapOptions>): void {
  if (!(confidence > 0 && confidence < 1))
    throw new ConfigError(`${caller}: confidence must lie between 0 and 1, got ${confidence}.`);
  if (!(Number.isInteger(resamples) && resamples > 0))
    throw new ConfigError(`${caller}: resamples must be a positive whole number, got ${resamples}.`);
}

/** `resamples` lists of case indices, each as long as there are cases. The same seed gives the same lists. */
export function drawCases(count: number, resamples: number, seed: number | string): number[][] {
  const random = Random.of("summarize", seed);
  return Array.from({ length: resamples }, () => Array.from({ length: count }, () => random.integer(count)));
}

/** A class by a case: its value there, or `null` if it has none. */
export type CaseTable = readonly (readonly (number | null)[])[];

/** Means of a {@link CaseTable}, with percentile bootstrap intervals. */
export interface BootstrappedMeans {
  /** One per class. */
  readonly classes: readonly MeanOfCases[];
  /** Mean over classes of the classes' means. */
  readonly overall: MeanOfCases;
}

/** A mean over cases. */
export interface MeanOfCases {
  /** `null` if nothing was counted. */
  readonly mean: number | null;
  /** `null` with fewer than two values. */
  readonly interval: [low: number, high: number] | null;
}

/** Means over the cases that have a value, in each row and over the rows; `draws` are of `drawCases`. */
export function bootstrapMeans(table: CaseTable, draws: readonly number[][], confidence: number): BootstrappedMeans {
  const resampled = table.map((row) => draws.map((draw) => meanOf(draw.map((i) => row[i] ?? null))));
  const overall = draws.map((_, draw) => meanOf(resampled.map((means) => means[draw] ?? null)));
  return {
    classes: table.map((row, c) => ({
      mean: meanOf(row),
      interval: counted(row).length > 1 ? percentileInterval(resampled[c] ?? [], confidence) : null,
    })),
    overall: {
      mean: meanOf(table.map(meanOf)),
      interval: (draws[0]?.length ?? 0) > 1 ? percentileInterval(overall, confidence) : null,
    },
  };
}

/** The values that are not `null`. */
export const counted = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);

/** Mean of the values that are not `null`; `null` if there are none. */
function meanOf(values: readonly (number | null)[]): number | null {
  const known = counted(values);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

/** Median of the values that are not `null`; `null` if there are none. */
export function medianOf(values: readonly (number | null)[]): number | null {
  const sorted = counted(values).sort((a, b) => a - b);
  return sorted.length > 0 ? quantile(sorted, 0.5) : null;
}

/** Percentile interval of the resampled means; `null` if no resample had a value. */
function percentileInterval(means: readonly (number | null)[], confidence: number): [number, number] | null {
  const sorted = counted(means).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  return [quantile(sorted, (1 - confidence) / 2), quantile(sorted, (1 + confidence) / 2)];
}
