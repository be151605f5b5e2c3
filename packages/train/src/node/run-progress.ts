/** What a run carries on from checkpoint to checkpoint beside the numbers of the training. */
export interface RunProgress {
  /** The last step that was validated, 0 if none was. */
  readonly validated: number;
  /** The best validation so far. */
  readonly best: { readonly step: number; readonly dice: number } | null;
  /** What went wrong so far: the step whose numbers were not to be trusted, and the step that training went back to. */
  readonly rollbacks: readonly { readonly step: number; readonly to: number }[];
}

/** The progress of a run that begins. */
export const NO_PROGRESS: RunProgress = { validated: 0, best: null, rollbacks: [] };
