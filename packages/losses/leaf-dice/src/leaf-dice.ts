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
  fill,
  type GradSaveFunc,
  maximum,
  min,
  minimum,
  mul,
  reshape,
  type Scalar,
  slice,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
} from "@tensorflow/tfjs-core";

/** Options of {@link leafDice}. */
export interface LeafDiceOptions {
  /**
   * `"paper"`: label sets follow from `target.annotated`, and an annotated organ that is not there teaches its absence.
   * `"reference"`: as published in code; see {@link leafDice} for what differs.
   */
  readonly compat?: "paper" | "reference";
  /** Whether the probabilities in the denominator are squared. */
  readonly squared?: boolean;
  /** ε, in voxels. */
  readonly smooth?: number;
  /** How the samples' losses become one. */
  readonly reduction?: "mean" | "sum";
}

/** What {@link leafDice} uses where an option is missing. */
export const LEAF_DICE_DEFAULTS: Required<LeafDiceOptions> = {
  compat: "paper",
  squared: true,
  smooth: 1e-5,
  reduction: "mean",
};

/** The voxel axes of `[batch, depth, height, width, class]`. */
const VOXELS = [1, 2, 3];

/**
 * Leaf-Dice loss: the mean class Dice loss over voxels whose label is a set of classes. Only voxels with a set of one
 * class (a leaf) are a target; the probability of a class is a false positive wherever that class is not the label.
 *
 *     L(b, c) = 1 − (2 Σ p g + ε) / (Σ p² + Σ g + ε)    p = softmax(logits)   g = [label set = {c}]   sums over voxels
 *     mean over samples b of the mean over known classes c of L(b, c)
 *
 * A voxel labeled background may be any class that was not annotated in its scan: its label set is the background and
 * these. So the known classes of a sample are its annotated organs, and the background if every class is annotated
 * (all columns of `target.annotated` are 1). A sample without known classes does not count; without any the loss is 0.
 * The loss does not depend on how probability is shared within a label set.
 *
 * With compat `"reference"` (the code published with PL-Seg, after that of the method's authors) the target stands as
 * it is: `annotated` is ignored, and a voxel of unknown class has a row of zeros in `oneHot`. ε is added to the
 * denominator only, and the mean is over all classes. So each class without a leaf adds 1/classes and no gradient, even
 * if it is annotated and known to be absent.
 *
 * With `squared` false the denominator is Σ p + Σ g + ε.
 *
 * `compute` takes logits `[batch, depth, height, width, class]` and keeps no state. Its terms: `perClass`
 * `[batch, class]`, L where the class is known and 0 elsewhere, and `perSample` `[batch]`, their means.
 *
 * @throws ConfigError from the factory if an option is impossible; ShapeError from `compute` if shapes disagree.
 *
 * @see Fidon et al., Label-set loss functions for partial supervision, MICCAI 2021, https://arxiv.org/abs/2107.03846.
 */
export function leafDice(options: LeafDiceOptions = {}): SegmentationLoss {
  const { compat, squared, smooth, reduction } = withDefaults(LEAF_DICE_DEFAULTS, options);
  checkChoice("leafDice", "compat", compat, ["paper", "reference"]);
  checkChoice("leafDice", "reduction", reduction, ["mean", "sum"]);
  checkPositive("leafDice", "smooth", smooth);
  const smoothNumerator = compat === "paper";
  return {
    init: () => ({}),
    compute(logits, target, state) {
      checkTarget("leafDice", logits, target);
      const known = compat === "paper" ? knownClasses(target) : fill(target.annotated.shape, 1);
      const perClass = mul(known, diceLosses(logits, target.oneHot, { squared, smooth, smoothNumerator }));
      const classes = sum(known, 1); // [batch]
      const perSample = div(sum(perClass, 1), maximum(classes, 1));
      const counted = reduction === "mean" ? maximum(sum(minimum(classes, 1)), 1) : 1;
      return { value: div(sum(perSample), counted) as Scalar, state, terms: { perClass, perSample } };
    },
  };
}

/** 1 for the annotated organs, and for the background where every class is annotated `[batch, class]`. */
function knownClasses({ annotated }: PartialTarget): Tensor2D {
  const [batch, classes] = annotated.shape;
  return concat([min(annotated, 1, true) as Tensor2D, slice(annotated, [0, 1], [batch, classes - 1])], 1);
}

/**
 * The Dice loss of every (sample, class) pair, `[batch, class]`, with its gradient derived by hand.
 *
 *     L = (E + s) / (D + ε)    E = Σ (p − g)² = Σ p² + Σ g − 2 Σ p g    D = Σ p² + Σ g     s = 0, or ε if the numerator
 *                              E = Σ |p − g| = Σ p + Σ g − 2 Σ p g      D = Σ p + Σ g      of the Dice score has none
 */
function diceLosses(
  logits: Tensor5D,
  oneHot: Tensor5D,
  { squared, smooth, smoothNumerator }: { squared: boolean; smooth: number; smoothNumerator: boolean },
): Tensor2D {
  const [batch, , , , classes] = logits.shape;
  const losses = customGrad((...inputs: (Tensor | GradSaveFunc)[]) => {
    const [z, save] = inputs as [Tensor, GradSaveFunc];
    const p = softmax(z);
    const difference = sub(p, oneHot);
    const error = sum(squared ? square(difference) : abs(difference), VOXELS);
    const size = add(sum(squared ? square(p) : p, VOXELS), sum(oneHot, VOXELS));
    const rate = div(1, add(size, smooth));
    const value = mul(smoothNumerator ? error : add(error, smooth), rate);
    save([p, oneHot, value, rate]);
    return { value, gradFunc: backward };
  });
  // ∂L/∂p = (∂E/∂p − L ∂D/∂p) / (D + ε), then through the softmax
  const backward = (upstream: Tensor, saved: Tensor[]): Tensor[] => {
    const [p, g, value, rate] = saved as [Tensor, Tensor, Tensor, Tensor];
    const perVoxel = (x: Tensor): Tensor => reshape(x, [batch, 1, 1, 1, classes]);
    const scale = mul(mul(upstream, rate), squared ? 2 : 1);
    const kept = perVoxel(mul(scale, sub(1, value)));
    const byP = squared ? sub(mul(p, kept), mul(g, perVoxel(scale))) : sub(kept, mul(g, perVoxel(mul(scale, 2))));
    const weighted = mul(p, byP);
    return [sub(weighted, mul(p, sum(weighted, -1, true)))];
  };
  return losses(logits) as Tensor2D;
}
