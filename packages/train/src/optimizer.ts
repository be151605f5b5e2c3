import type { Scalar, Tensor1D } from "@tensorflow/tfjs-core";

/** What an update depends on beside parameters, gradient and state. */
export interface OptimizerContext {
  /** Of this step. */
  readonly learningRate: Scalar;
  /** Counts from 1. */
  readonly step: Scalar;
  /**
   * `[P]`, what weight decay pulls towards 0: the kernels of convolutions and linear layers as they are, and 0 where biases and
   * the weights of norms lie. Computed only if asked for.
   */
  readonly decaying: () => Tensor1D;
}

/** An optimizer over one flat vector of parameters. Its state goes in and comes out. */
export interface Optimizer {
  /** Names of its vectors, each as long as the parameters and 0 at first. */
  readonly vectors: readonly string[];
  /**
   * One update.
   *
   * @param parameters - `[P]`.
   * @param gradient - `[P]`.
   * @param state - Its vectors, `[P]` each.
   * @param context - What else an update may depend on.
   */
  update(
    parameters: Tensor1D,
    gradient: Tensor1D,
    state: Readonly<Record<string, Tensor1D>>,
    context: OptimizerContext,
  ): { parameters: Tensor1D; state: Record<string, Tensor1D> };
}
