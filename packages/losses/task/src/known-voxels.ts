import type { PartialTarget } from "@plseg/core";
import {
  cast,
  div,
  fill,
  greaterEqual,
  maximum,
  minimum,
  mul,
  reshape,
  type Scalar,
  slice,
  sum,
  type Tensor,
  type Tensor2D,
} from "@tensorflow/tfjs-core";

/** What decides where a target says nothing. */
export interface TaskOptions {
  /**
   * `"paper"`: pairs of a sample and a channel count where `target.annotated` is 1, except for voxels of −1.
   * `"reference"`: pairs count unless their first voxel is −1, as in the code published with PL-Seg; see the loss.
   */
  readonly compat?: "paper" | "reference";
}

/** The voxel axes of `[batch, depth, height, width, class]`. */
export const VOXELS: number[] = [1, 2, 3];

/** A target taken apart. */
export interface KnownVoxels {
  /** 0 or 1 (with compat `"reference"` −1 too), `[batch, depth, height, width, channel]`. */
  readonly y: Tensor;
  /** 1 where y counts, else 0. Same shape, or `[batch, 1, 1, 1, channel]`. */
  readonly known: Tensor;
  /** Voxels that count, at least 1, `[batch, channel]` or `[1, 1]`. */
  readonly voxels: Tensor2D;
  /** 1 for the pairs that count `[batch, channel]`. */
  readonly pairs: Tensor2D;
}

/** Finds out what a target says. */
export function knownVoxels({ oneHot, annotated }: PartialTarget, compat: "paper" | "reference"): KnownVoxels {
  const [batch, depth, height, width, channels] = oneHot.shape;
  if (compat === "reference") {
    const first = reshape(slice(oneHot, [0, 0, 0, 0, 0], [batch, 1, 1, 1, channels]), [batch, channels]);
    const pairs = cast(greaterEqual(first, 0), "float32") as Tensor2D;
    const known = reshape(pairs, [batch, 1, 1, 1, channels]);
    return { y: oneHot, known, voxels: fill([1, 1], depth * height * width), pairs };
  }
  const known = cast(greaterEqual(oneHot, 0), "float32");
  const voxels = sum(known, VOXELS);
  return {
    y: maximum(oneHot, 0),
    known,
    voxels: maximum(voxels, 1) as Tensor2D,
    pairs: mul(annotated, minimum(voxels, 1)) as Tensor2D,
  };
}

/** Mean over the samples that count for a channel, then over the channels that have one; 0 if there are none. */
export function meanOfChannels(perPair: Tensor2D, pairs: Tensor2D): Scalar {
  const samples = sum(pairs, 0); // [channel]
  const means = div(sum(mul(pairs, perPair), 0), maximum(samples, 1));
  return div(sum(means), maximum(sum(minimum(samples, 1)), 1));
}
