import type { Scalar, Tensor, Tensor2D, Tensor5D } from "@tensorflow/tfjs-core";
import type { Shape } from "./shape.js";

/** How a weight starts: Glorot's normal (variance 2 / (fan in + fan out)), He's normal (2 / fan in), or a constant. */
export type Initializer = "xavier-normal" | "he-normal" | "zeros" | "ones";

/**
 * Where a network gets its weights, by name. Drawing them, loading them and tracing them are three implementations,
 * so that every shape is written once, where it is used.
 *
 * Shapes are TensorFlow.js shapes: a 3-D kernel is `[depth, height, width, in, out]`.
 */
export interface Weights {
  /** A trainable parameter. */
  get(name: string, shape: Shape, initializer: Initializer): Tensor;
  /**
   * A buffer: kept beside the parameters, not trained (running statistics). It has the value that was last set, so that
   * a layer that runs several times in one pass moves its statistics several times.
   */
  buffer(name: string, shape: Shape, initializer: Initializer): Tensor;
  /** Gives a buffer its next value. */
  setBuffer(name: string, value: Tensor): void;
  /** The same store, with `prefix.` before every name. */
  at(prefix: string): Weights;
}

/** How a network is run. */
export interface NetworkMode {
  /** Whether to normalize by the batch, update running statistics and drop out. */
  readonly training: boolean;
  /** Seed of the dropout masks, a whole number in [0, 4093); without it nothing is dropped. */
  readonly seed?: Scalar;
}

/**
 * A network is a pure function of its weights and its image.
 *
 *     image [batch, depth, height, width, inChannels]  →  logits [batch, ..., classes], full resolution first
 */
export type Network = (weights: Weights, image: Tensor5D, mode: NetworkMode) => Tensor5D[];

/**
 * A network that segments the organ it is asked for.
 *
 * A task `[batch, class]` is 1 at the organ asked for in each sample, never the background, and 0 elsewhere.
 */
export interface ConditionalNetwork {
  /** Logit of the organ asked for in each sample: `[batch, depth, height, width, 1]`. What training needs. */
  readonly oneTask: (weights: Weights, image: Tensor5D, task: Tensor2D, mode: NetworkMode) => Tensor5D;
  /**
   * Logits of all classes, each organ's behind a background of 0: an organ beats the background where its sigmoid
   * exceeds one half. What prediction needs, and everything that takes a {@link Network}.
   */
  readonly allClasses: Network;
}
