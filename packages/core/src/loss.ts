import type { Scalar, Tensor, Tensor2D, Tensor5D } from "@tensorflow/tfjs-core";

/** What is known about a batch whose scans are labeled only in part. */
export interface PartialTarget {
  /** `[batch, depth, height, width, class]`, 0 or 1. Voxels of unannotated organs are labeled background (class 0). */
  readonly oneHot: Tensor5D;
  /** `[batch, class]`, 1 where the class was annotated in the whole scan (present in it or not), else 0. */
  readonly annotated: Tensor2D;
}

/** What a loss remembers from step to step, by name. Nothing for most losses. */
export type LossState = Readonly<Record<string, Tensor>>;

/** What a loss returns. */
export interface LossResult<State extends LossState = LossState> {
  /** The loss. */
  readonly value: Scalar;
  /** The state for the next step. It carries no gradient. */
  readonly state: State;
  /** Parts and by-products, for logging. They carry no gradient of their own. */
  readonly terms: Readonly<Record<string, Tensor>>;
}

/** A supervised loss. State goes in and comes out, so that a step can be traced, saved and resumed. */
export interface SegmentationLoss<State extends LossState = LossState> {
  /** The state before the first step. */
  init(): State;
  /**
   * The loss of a batch and the state after it.
   *
   * @param logits - `[batch, depth, height, width, class]`, before the softmax.
   */
  compute(logits: Tensor5D, target: PartialTarget, state: State): LossResult<State>;
}
