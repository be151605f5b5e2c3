/** What happened in a step. */
export interface StepRecord {
  /** Counts from 1. */
  readonly step: number;
  /** Value of the objective. */
  readonly loss: number;
  /** Parts of the loss by name. */
  readonly terms: Readonly<Record<string, number>>;
  /** Euclidean norm of the gradient over all parameters. */
  readonly gradientNorm: number;
  /** Of this step. */
  readonly learningRate: number;
  /** Seconds since training started or went on. */
  readonly seconds: number;
  /** Milliseconds that the step waited for its batch, those included in which this thread drew it itself. */
  readonly waited: number;
  /** By class index: in how many patches of the step the class was labeled. */
  readonly seen: readonly number[];
}
