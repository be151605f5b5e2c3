import type { PartialTarget } from "@plseg/core";
import {
  add,
  max,
  mul,
  ones,
  reshape,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor2d,
} from "@tensorflow/tfjs-core";
import type { MarginalCompat } from "./options.js";

/** The voxel axes of `[batch, depth, height, width, class]`. */
export const VOXELS: number[] = [1, 2, 3];

/** How the classes of each sample are merged: every annotated organ is a group of its own, all else is the first group. */
export interface LabelGroups {
  /** 1 for the organs that are groups of their own, 0 for the background and the organs merged with it `[batch, class]`. */
  readonly own: Tensor2D;
  /** The background's column: 1, 0, 0, … `[1, class]`. */
  readonly first: Tensor2D;
  /** 1 for every class in the group of the voxel's label `[batch, depth, height, width, class]`. */
  readonly group: Tensor;
  /** 1 for the samples that count `[batch]`. */
  readonly counted: Tensor1D;
}

/** Groups the classes by `target.annotated`, or by what occurs in the crop unless compat is `"paper"`. */
export function groupLabels({ oneHot, annotated }: PartialTarget, compat: MarginalCompat): LabelGroups {
  const [batch, , , , classes] = oneHot.shape;
  const first = tensor2d([Array.from({ length: classes }, (_, c) => (c === 0 ? 1 : 0))]);
  const known = compat === "paper" ? annotated : max(oneHot, VOXELS); // [batch, class]
  const own = mul(known, sub(1, first)) as Tensor2D;
  const organs = mul(oneHot, perVoxel(own));
  const rest = sub(1, sum(organs, -1, true)); // voxels of the first group
  return {
    own,
    first,
    group: add(organs, mul(rest, perVoxel(sub(1, own)))),
    counted: compat === "reference-v2" ? (max(own, 1) as Tensor1D) : ones([batch]),
  };
}

/** `[batch, class]` as `[batch, 1, 1, 1, class]`, to be repeated over the voxels. */
export function perVoxel(x: Tensor): Tensor {
  const [batch = 1, classes = 1] = x.shape;
  return reshape(x, [batch, 1, 1, 1, classes]);
}
