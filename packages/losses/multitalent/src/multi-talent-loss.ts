import {
  checkChoice,
  checkPositive,
  checkTarget,
  type PartialTarget,
  type SegmentationLoss,
  withDefaults,
} from "@plseg/core";
import {
  abs,
  add,
  concat,
  customGrad,
  div,
  type GradSaveFunc,
  maximum,
  min,
  minimum,
  mul,
  neg,
  relu,
  reshape,
  type Scalar,
  sigmoid,
  slice,
  softplus,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
  zeros,
} from "@tensorflow/tfjs-core";

/** Options of {@link multiTalentLoss}. */
export interface MultiTalentLossOptions {
  /**
   * `"paper"`: the classes annotated in a sample's scan count.
   * `"reference"`: the classes that occur in the crop count, as in the code published with PL-Seg.
   */
  readonly compat?: "paper" | "reference";
  /** Whether the background is a class too. */
  readonly includeBackground?: boolean;
  /** ε, in voxels. */
  readonly smooth?: number;
  /** How the classes' losses become one. */
  readonly reduction?: "sum" | "mean";
}

/** What {@link multiTalentLoss} uses where an option is missing. */
export const MULTI_TALENT_LOSS_DEFAULTS: Required<MultiTalentLossOptions> = {
  compat: "paper",
  includeBackground: false,
  smooth: 1e-5,
  reduction: "sum",
};

/** The voxel axes of `[batch, depth, height, width, class]`. */
const VOXELS = [1, 2, 3];

/**
 * MultiTalent's loss: every class is a binary task with a sigmoid of its own, learned from the samples in which it was
 * annotated.
 *
 *     Σ over classes c with a sample that counts of (BCE(c) + Dice(c))    s = sigmoid(logits)    y = [label = c]
 *     BCE(c)  = −mean of y log s + (1 − y) log(1 − s)
 *     Dice(c) = 1 − (2 Σ s y + ε) / (Σ s + Σ y + ε)
 *
 * The mean and the sums run over all voxels of all samples that count for c, jointly. With reduction `"mean"` the sum
 * is divided by the number of classes that have one. None: the loss is 0.
 *
 * With compat `"paper"` a sample counts for an organ that was annotated in it, and for the background (if included) if
 * every class was: then a voxel labeled background is one. With `"reference"` it counts for the classes that occur in
 * its crop, so false positives of an organ known to be absent are never penalized; `target.annotated` is ignored.
 *
 * `compute` takes logits `[batch, depth, height, width, class]` and keeps no state. Its terms, `[class]` each:
 * `crossEntropy` and `dice`, 0 for a class without a sample that counts.
 *
 * @throws ConfigError from the factory if an option is impossible; ShapeError from `compute` if shapes disagree.
 *
 * @see Ulrich et al., MultiTalent: a multi-dataset approach to medical image segmentation, MICCAI 2023,
 * https://arxiv.org/abs/2303.14444.
 */
export function multiTalentLoss(options: MultiTalentLossOptions = {}): SegmentationLoss {
  const { compat, includeBackground, smooth, reduction } = withDefaults(MULTI_TALENT_LOSS_DEFAULTS, options);
  checkChoice("multiTalentLoss", "compat", compat, ["paper", "reference"]);
  checkChoice("multiTalentLoss", "reduction", reduction, ["sum", "mean"]);
  checkPositive("multiTalentLoss", "smooth", smooth);
  return {
    init: () => ({}),
    compute(logits, target, state) {
      checkTarget("multiTalentLoss", logits, target);
      const labeled = sum(target.oneHot, VOXELS); // Σ y [batch, class]
      const counted = countedPairs(compat === "paper" ? knownClasses(target) : minimum(labeled, 1), includeBackground);
      const { crossEntropy, error, predicted } = binarySums(logits, target.oneHot);

      const samples = sum(counted, 0); // [class]
      const terms = {
        crossEntropy: div(sum(mul(counted, crossEntropy), 0), maximum(samples, 1)),
        dice: div(sum(mul(counted, error), 0), add(sum(mul(counted, add(predicted, labeled)), 0), smooth)),
      };
      const total = sum(add(terms.crossEntropy, terms.dice));
      const value = reduction === "sum" ? total : div(total, maximum(sum(minimum(samples, 1)), 1));
      return { value: value as Scalar, state, terms };
    },
  };
}

/** 1 for the annotated organs, and for the background where every class is annotated `[batch, class]`. */
function knownClasses({ annotated }: PartialTarget): Tensor {
  return concat([min(annotated, 1, true), organColumns(annotated)], 1);
}

/** The pairs with the background's column taken out unless it is included. */
function countedPairs(pairs: Tensor, includeBackground: boolean): Tensor {
  return includeBackground ? pairs : concat([zeros([pairs.shape[0] ?? 0, 1]), organColumns(pairs)], 1);
}

function organColumns(pairs: Tensor): Tensor {
  const [batch = 0, classes = 0] = pairs.shape;
  return slice(pairs, [0, 1], [batch, classes - 1]);
}

/** Of every (sample, class) pair, `[batch, class]` each. */
interface BinarySums {
  /** Voxel mean of the binary cross entropy. */
  readonly crossEntropy: Tensor2D;
  /** Σ |s − y| = Σ s + Σ y − 2 Σ s y. */
  readonly error: Tensor2D;
  /** Σ s. */
  readonly predicted: Tensor2D;
}

/** The sums over voxels that the loss is made of, s = sigmoid(logits), with their gradient derived by hand. */
function binarySums(logits: Tensor5D, oneHot: Tensor5D): BinarySums {
  const [batch, depth, height, width, classes] = logits.shape;
  const voxels = depth * height * width;
  const sums = customGrad((...inputs: (Tensor | GradSaveFunc)[]) => {
    const [x, save] = inputs as [Tensor, GradSaveFunc];
    const s = sigmoid(x);
    const entropy = add(sub(relu(x), mul(x, oneHot)), softplus(neg(abs(x)))); // log(1 + exp x) − x y without overflow
    save([s, oneHot]);
    const value = stack([div(sum(entropy, VOXELS), voxels), sum(abs(sub(s, oneHot)), VOXELS), sum(s, VOXELS)]);
    return { value, gradFunc: backward };
  });
  // ∂BCE/∂x = (s − y)/V    ∂Σ|s − y|/∂x = (1 − 2y) s (1 − s)    ∂Σs/∂x = s (1 − s)
  const backward = (upstream: Tensor, saved: Tensor[]): Tensor[] => {
    const [s, y] = saved as [Tensor, Tensor];
    const upstreamOf = (index: number): Tensor =>
      reshape(slice(upstream, [index, 0, 0], [1, batch, classes]), [batch, 1, 1, 1, classes]);
    const byEntropy = mul(sub(s, y), div(upstreamOf(0), voxels));
    const byS = sub(add(upstreamOf(1), upstreamOf(2)), mul(y, mul(upstreamOf(1), 2)));
    return [add(byEntropy, mul(mul(s, sub(1, s)), byS))];
  };
  const rows = sums(logits); // [3, batch, class]
  const row = (index: number): Tensor2D => reshape(slice(rows, [index, 0, 0], [1, batch, classes]), [batch, classes]);
  return { crossEntropy: row(0), error: row(1), predicted: row(2) };
}
