import type { LossResult, LossState, PartialTarget } from "@plseg/core";
import type { Scalar, Tensor5D } from "@tensorflow/tfjs-core";

/** What a method's objective sees besides logits and target. */
export interface ObjectiveContext {
  /** How far training is, in [0, 1]: steps done over steps planned. */
  readonly progress: Scalar;
  /** What the network was given, `[batch, depth, height, width, channel]`. */
  readonly image: Tensor5D;
}

/** What a method minimizes: a loss over the logits of all scales, finest first. */
export interface Objective {
  /** The state before the first step. */
  init(): LossState;
  /**
   * The loss of a batch and the state after it.
   *
   * @param pyramid - Logits `[batch, depth, height, width, class]` of each scale, finest first.
   */
  compute(pyramid: readonly Tensor5D[], target: PartialTarget, state: LossState, context: ObjectiveContext): LossResult;
}
