import {
  abs,
  add,
  cast,
  clipByValue,
  customGrad,
  div,
  type GradSaveFunc,
  greater,
  lessEqual,
  log,
  maximum,
  minimum,
  mul,
  reshape,
  slice,
  softmax,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
} from "@tensorflow/tfjs-core";

/** The binary losses of every (sample, organ) pair, each `[batch, classes − 1]`: the background has none. */
export interface DecoupledPairs {
  /** Voxel mean of the binary cross entropy. */
  readonly crossEntropy: Tensor2D;
  /** Dice loss, mean of the organ's and of its complement's, in [0, 1]. */
  readonly dice: Tensor2D;
  /** 1 where the organ occurs in the crop's label, else 0. */
  readonly present: Tensor2D;
}

/** Probabilities below this count as this, and get no gradient. */
const FLOOR = 1e-10;
/** Added to a residual whose inverse shall vanish. */
const BEYOND = 1e20;
/** Added to the denominators of the Dice loss, in voxels. */
const SMOOTH = 1e-5;
/** The voxel axes of `[batch, depth, height, width, class]`. */
const VOXELS = [1, 2, 3];

/**
 * Takes every organ as a binary task of its own: the organ (y = 1) against all else.
 *
 *     p = softmax(logits)    f = max(p, 1e-10)    g = max(1 − f, 1e-10)    ȳ = 1 − y    ε = 1e-5
 *     CE   = −(1/V) Σ (y log f + ȳ log g)                                                 sums over the V voxels
 *     Dice = 1 − (2 Σ yf / (Σ y + Σ f + ε) + 2 Σ ȳg / (Σ ȳ + Σ g + ε)) / 2
 *          = (E + ε) (1/(S + ε) + 1/(2V − S + ε)) / 2    with E = Σ |y − f| and S = Σ y + Σ f
 *
 * The last form takes fewer sums and does not cancel where the organ is segmented well. The gradient is derived by
 * hand, from the logits to the logits, which saves many passes over the volume. With the signed
 * residual u = ȳ − p (−f on the organ, g elsewhere) both logarithms are log|u|, whose derivative by p is −1/u.
 *
 * @param logits - `[batch, depth, height, width, class]`.
 * @param oneHot - Same shape, 0 or 1.
 */
export function decoupledPairs(logits: Tensor5D, oneHot: Tensor5D): DecoupledPairs {
  const [batch, depth, height, width, classes] = logits.shape;
  const voxels = depth * height * width;
  const perVoxel = (x: Tensor): Tensor => reshape(x, [batch, 1, 1, 1, classes]);
  const organs = sum(oneHot, VOXELS); // Σ y [batch, class]

  const pairLosses = customGrad((...inputs: (Tensor | GradSaveFunc)[]) => {
    const [z, save] = inputs as [Tensor, GradSaveFunc];
    const p = softmax(z);
    const u = sub(sub(1, oneHot), p);
    const certainty = clipByValue(abs(u), FLOOR, 1); // f on the organ, g elsewhere
    const crossEntropy = div(sum(log(certainty), VOXELS), -voxels); // [batch, class]

    const error = sum(abs(sub(oneHot, p)), VOXELS); // E
    const size = add(organs, sum(p, VOXELS)); // S
    // Both are at least E but for rounding, which must not lead the loss out of [0, 1].
    const perOrgan = div(1, add(maximum(size, error), SMOOTH));
    const perOther = div(1, add(maximum(sub(2 * voxels, size), error), SMOOTH));
    const rate = div(add(perOrgan, perOther), 2);
    const dice = mul(add(error, SMOOTH), rate);
    const tilt = mul(add(error, SMOOTH), sub(perOther, perOrgan));

    save([p, greater(oneHot, 0.5), rate, tilt]); // as few numbers as possible: they are kept until the backward pass
    return { value: stack([crossEntropy, dice]), gradFunc: backward };
  });

  // ∂CE/∂p = 1/(V u) and ∂Dice/∂p = rate (1 − 2y + tilt), then through the softmax. In an order that has few volumes alive.
  const backward = (upstream: Tensor, saved: Tensor[]): Tensor[] => {
    const [p, label, rate, tilt] = saved as [Tensor, Tensor, Tensor, Tensor];
    const upstreamOf = (index: number): Tensor =>
      reshape(slice(upstream, [index, 0, 0], [1, batch, classes]), rate.shape);
    const others = sub(1, cast(label, "float32"));
    const diceRate = mul(upstreamOf(1), rate);
    const byDice = add(mul(others, perVoxel(mul(diceRate, 2))), perVoxel(mul(diceRate, sub(tilt, 1))));
    const u = sub(others, p);
    const floored = cast(lessEqual(abs(u), FLOOR), "float32");
    const inverse = div(1, add(u, mul(floored, BEYOND))); // no more than a rounding error where the floor acts
    const byCrossEntropy = mul(inverse, perVoxel(div(upstreamOf(0), voxels)));
    const weighted = mul(p, add(byCrossEntropy, byDice));
    return [sub(weighted, mul(p, sum(weighted, -1, true)))];
  };

  const losses = pairLosses(logits); // [2, batch, class]
  const organColumns = (index: number): Tensor2D =>
    reshape(slice(losses, [index, 0, 1], [1, batch, classes - 1]), [batch, classes - 1]);
  return {
    crossEntropy: organColumns(0),
    dice: organColumns(1),
    present: minimum(slice(organs, [0, 1], [batch, classes - 1]), 1) as Tensor2D,
  };
}
