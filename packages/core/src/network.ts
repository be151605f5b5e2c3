import type { Scalar, Tensor, Tensor5D } from "@tensorflow/tfjs-core";
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
  /** A buffer: kept beside the parameters, not trained (running statistics). */
  buffer(name: string, shape: Shape, initializer: Initializer): Tensor;
  /** Gives a buffer its value for the next step. */
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
