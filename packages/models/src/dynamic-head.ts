import type { Weights } from "@plseg/core";
import {
  add,
  concat,
  matMul,
  relu,
  reshape,
  split,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
  transpose,
} from "@tensorflow/tfjs-core";
import { linear } from "./layers.js";

/** Channels of the head that is made for every organ, and so of the features that it reads. */
export const HEAD = 8;

/** Three kernels of 1×1×1 convolutions, then their biases. */
const SIZES = [HEAD * HEAD, HEAD * HEAD, HEAD, HEAD, HEAD, 1];

/** What a network knows of an image whatever organ it is asked for. */
export interface SharedFeatures {
  /** What the controller reads, `[batch, channel]`. */
  readonly summary: Tensor2D;
  /** What the head reads, `[batch, depth, height, width, HEAD]`. */
  readonly features: Tensor5D;
}

/**
 * DoDNet's head: three 1×1×1 convolutions with ReLU between, whose filters a controller makes for each sample from a summary
 * of the image and the organ asked for.
 *
 * @param organs - `[batch, organ]`, 1 at the organ asked for.
 * @returns Its logit, `[batch, depth, height, width, 1]`.
 */
export function dynamicHead(weights: Weights, { summary, features }: SharedFeatures, organs: Tensor2D): Tensor5D {
  const [batch, depth, height, width] = features.shape;
  const count = SIZES.reduce((sum, size) => sum + size);
  const filters = split(linear(weights, concat([summary, organs], 1), count), SIZES, 1);

  let h: Tensor = reshape(transpose(features, [0, 4, 1, 2, 3]), [batch, HEAD, depth * height * width]);
  for (const [layer, to] of [HEAD, HEAD, 1].entries()) {
    const kernel = reshape(filters[layer] as Tensor, [batch, to, HEAD]);
    const bias = reshape(filters[layer + 3] as Tensor, [batch, to, 1]);
    h = add(matMul(kernel, layer === 0 ? h : relu(h)), bias); // [batch, to, voxel]
  }
  return reshape(h, [batch, depth, height, width, 1]);
}
