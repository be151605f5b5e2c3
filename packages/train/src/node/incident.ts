/** A step that went wrong, and what came of it. */
export interface Incident {
  /** Counts from 1. */
  readonly step: number;
  /** What was wrong with its numbers. */
  readonly reason: string;
  /** The step that training goes back to; `null` where it stops. */
  readonly to: number | null;
  /** What there is to know of the step, as JSON. */
  readonly file: string;
}
