import { PlsegError } from "@plseg/core";
import type { Batch } from "@plseg/data";
import type { StepRecord } from "./step-record.js";

/** Losses and gradient norms of the last steps, oldest first. */
export interface RecentSteps {
  /** At most {@link WINDOW}. */
  readonly losses: readonly number[];
  /** Of the same steps. */
  readonly gradientNorms: readonly number[];
}

/** Before the first step. */
export const NO_STEPS: RecentSteps = { losses: [], gradientNorms: [] };

/** Steps over which the median is taken, and how many there must be before anything is compared with it. */
const WINDOW = 100;
const LEAST = 20;

/** How many times its median a number may be. Losses and gradients of a sound training stay within a few tens. */
const EXPLODED = 1000;

/** The recent steps after one more. */
export function withStep(
  { losses, gradientNorms }: RecentSteps,
  { loss, gradientNorm }: Pick<StepRecord, "loss" | "gradientNorm">,
): RecentSteps {
  return {
    losses: [...losses, loss].slice(-WINDOW),
    gradientNorms: [...gradientNorms, gradientNorm].slice(-WINDOW),
  };
}

/**
 * Why the numbers of a step are not to be trusted, if so: loss or gradient norm is no finite number, or is more than 1000
 * times its median over the last 100 steps, of which there must be 20.
 */
export function divergenceOf(
  { loss, gradientNorm }: Pick<StepRecord, "loss" | "gradientNorm">,
  { losses, gradientNorms }: RecentSteps,
): string | undefined {
  return diverged("the loss", loss, losses) ?? diverged("the gradient norm", gradientNorm, gradientNorms);
}

function diverged(name: string, value: number, recent: readonly number[]): string | undefined {
  if (!Number.isFinite(value)) return `${name} is ${value}`;
  if (recent.length < LEAST) return undefined;
  const sorted = recent.map(Math.abs).sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1] ?? 0;
  if (median === 0 || Math.abs(value) <= EXPLODED * median) return undefined;
  return `${name} is ${show(value)}, more than ${EXPLODED} times its median over the last ${recent.length} steps, ${show(median)}`;
}

/** A training step whose numbers are not to be trusted: its update was not taken over. */
export class DivergenceError extends PlsegError {
  /** What the step computed. */
  readonly record: StepRecord;
  /** Why it is not to be trusted. */
  readonly reason: string;
  /** What it was computed from. */
  readonly batch: Batch;

  constructor(record: StepRecord, reason: string, batch: Batch) {
    super(
      `train: step ${record.step} went wrong: ${reason}. Go on from the last checkpoint with a smaller learning rate than ${show(record.learningRate)}.`,
    );
    this.record = record;
    this.reason = reason;
    this.batch = batch;
  }
}

const show = (value: number): string => String(Number(value.toPrecision(4)));
