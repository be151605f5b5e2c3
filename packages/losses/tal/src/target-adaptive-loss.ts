import { checkChoice, checkTarget, type PartialTarget, type SegmentationLoss, withDefaults } from "@plseg/core";
import {
  add,
  cast,
  clipByValue,
  customGrad,
  div,
  type GradSaveFunc,
  greater,
  greaterEqual,
  log,
  max,
  maximum,
  mul,
  neg,
  pad,
  reshape,
  type Scalar,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor5D,
  where,
} from "@tensorflow/tfjs-core";

/** Options of {@link targetAdaptiveLoss}. */
export interface TargetAdaptiveLossOptions {
  /**
   * `"paper"`: exact logarithms of sums of probabilities.
   * `"reference"`: probabilities below 1e-10 count as 1e-10 and get no gradient, as in the code published with PL-Seg.
   */
  readonly compat?: "paper" | "reference";
}

/** What {@link targetAdaptiveLoss} uses where an option is missing. */
export const TARGET_ADAPTIVE_LOSS_DEFAULTS: Required<TargetAdaptiveLossOptions> = { compat: "paper" };

/** The voxel axes of `[batch, depth, height, width, class]`. */
const VOXELS = [1, 2, 3];
/** With compat `"reference"`, probabilities below this count as this. */
const FLOOR = 1e-10;
/** A logit whose probability is 0. Finite, so that it may be multiplied by 0. */
const NEVER = -1e38;

/**
 * Target adaptive loss (TAL): the cross entropy after the organs that nobody annotated are merged into the background.
 *
 *     −mean over voxels of log q(target)    q(0) = p(0) + Σ p(c) over organs c not annotated    q(c) = p(c)
 *
 * p = softmax(logits). The target of a voxel is its label, or 0 if the label is not annotated. The loss is the mean
 * over the samples with at least one annotated organ, 0 if there are none. The background's column of `target.annotated`
 * has no influence.
 *
 * With compat `"paper"` a logarithm is a difference of logsumexps: a voxel however wrong has a gradient. With
 * `"reference"` p is clipped to at least 1e-10, and voxels beyond that teach nothing.
 *
 * `compute` takes logits `[batch, depth, height, width, class]` and keeps no state. Its term `perSample` `[batch]`
 * holds the samples' losses.
 *
 * @throws ConfigError from the factory if an option is impossible; ShapeError from `compute` if shapes disagree.
 *
 * @see Fang & Yan, Multi-organ segmentation over partially labeled datasets with multi-scale feature abstraction, IEEE
 * TMI 2020, https://arxiv.org/abs/2001.00208.
 */
export function targetAdaptiveLoss(options: TargetAdaptiveLossOptions = {}): SegmentationLoss {
  const { compat } = withDefaults(TARGET_ADAPTIVE_LOSS_DEFAULTS, options);
  checkChoice("targetAdaptiveLoss", "compat", compat, ["paper", "reference"]);
  const surpriseOf = compat === "paper" ? exactSurprise : flooredSurprise;
  return {
    init: () => ({}),
    compute(logits, target, state) {
      checkTarget("targetAdaptiveLoss", logits, target);
      const organs = annotatedOrgans(target);
      const perSample = crossEntropy(logits, targetGroups(target.oneHot, organs), surpriseOf);
      const counted = max(organs, 1); // [batch]
      const value = div(sum(mul(counted, perSample)), maximum(sum(counted), 1));
      return { value: value as Scalar, state, terms: { perSample } };
    },
  };
}

/** `target.annotated` with 0 in the background's column `[batch, class]`. */
function annotatedOrgans({ annotated }: PartialTarget): Tensor2D {
  const [batch, classes] = annotated.shape;
  return pad(slice(annotated, [0, 1], [batch, classes - 1]), [
    [0, 0],
    [1, 0],
  ]);
}

/** 1 for every class that may be at a voxel: an annotated organ, or the background with all that are not annotated. */
function targetGroups(oneHot: Tensor5D, organs: Tensor2D): Tensor {
  const [batch, classes] = organs.shape;
  const own = reshape(organs, [batch, 1, 1, 1, classes]);
  const labeled = mul(oneHot, own);
  return add(labeled, mul(sub(1, sum(labeled, -1, true)), sub(1, own)));
}

/** −log of the group's probability at each voxel `[batch, depth, height, width]`, and the share r of each class in it. */
type Surprise = (logits: Tensor, p: Tensor, group: Tensor) => { readonly surprise: Tensor; readonly shares: Tensor };

/** Exact, as max z − max z in the group + log(max r / max p): no logarithm of a number below 1/classes. */
const exactSurprise: Surprise = (logits, p, group) => {
  const inGroup = where(greater(group, 0.5), logits, NEVER);
  const shares = softmax(inGroup);
  const margin = sub(max(logits, -1), max(inGroup, -1));
  return { surprise: add(margin, log(div(max(shares, -1), max(p, -1)))), shares };
};

/** With p of at least {@link FLOOR}; the share of a class below is 0. */
const flooredSurprise: Surprise = (_logits, p, group) => {
  const q = sum(mul(group, clipByValue(p, FLOOR, 1)), -1, true);
  const passing = mul(mul(group, p), cast(greaterEqual(p, FLOOR), "float32"));
  return { surprise: neg(log(reshape(q, q.shape.slice(0, -1)))), shares: div(passing, q) };
};

/** Voxel mean of the surprise `[batch]`. Its gradient by the logits is (p Σ r − r)/V. */
function crossEntropy(logits: Tensor5D, group: Tensor, surpriseOf: Surprise): Tensor1D {
  const [batch, depth, height, width] = logits.shape;
  const voxels = depth * height * width;
  const losses = customGrad((...inputs: (Tensor | GradSaveFunc)[]) => {
    const [z, save] = inputs as [Tensor, GradSaveFunc];
    const p = softmax(z);
    const { surprise, shares } = surpriseOf(z, p, group);
    save([sub(mul(p, sum(shares, -1, true)), shares)]);
    return { value: div(sum(surprise, VOXELS), voxels), gradFunc: backward };
  });
  const backward = (upstream: Tensor, saved: Tensor[]): Tensor[] => [
    mul(saved[0] as Tensor, reshape(div(upstream, voxels), [batch, 1, 1, 1, 1])),
  ];
  return losses(logits) as Tensor1D;
}
