import { checkRank, ShapeError, showShape, withDefaults } from "@plseg/core";
import {
  add,
  broadcastTo,
  clipByValue,
  customGrad,
  div,
  exp,
  expandDims,
  eye,
  type GradSaveFunc,
  log,
  matMul,
  mean,
  mul,
  reshape,
  type Scalar,
  slice,
  softmax,
  sqrt,
  sub,
  sum,
  type Tensor,
  type Tensor3D,
  type Tensor5D,
  transpose,
} from "@tensorflow/tfjs-core";

/** Options of {@link cocl}. */
export interface CoclOptions {
  /** Whether the background's map takes part. */
  readonly includeBackground?: boolean;
}

/** What {@link cocl} uses where an option is missing. */
export const COCL_DEFAULTS: Required<CoclOptions> = { includeBackground: true };

/** Probabilities below this count as this. */
const FLOOR = 1e-10;

/**
 * Classwise orthogonal contrastive loss (COCL): the probability maps of different classes shall not overlap.
 *
 *     p = max(softmax(logits), 1e-10)    q(b, c) = p(b, c) / ‖p(b, c)‖ over voxels    A(b) = q(b) q(b)ᵀ
 *     −mean over (b, c) of log(exp A(b, c, c) / Σ_k exp A(b, k, c))
 *
 * It needs no labels. It lies between log(1 + (C − 1)/e) (orthogonal maps) and log C (equal maps).
 *
 * @returns A function from logits `[batch, depth, height, width, class]` to the loss.
 * @throws ShapeError from that function if the logits have another rank or fewer than two classes to compare.
 *
 * @see PL-Seg, Medical Image Analysis 2026, vol. 108, 103885.
 */
export function cocl(options: CoclOptions = {}): (logits: Tensor5D) => Scalar {
  const { includeBackground } = withDefaults(COCL_DEFAULTS, options);
  const first = includeBackground ? 0 : 1;
  return (logits) => {
    checkRank("cocl", ["logits", logits.shape], [5]);
    const [batch, , , , channels] = logits.shape;
    const classes = channels - first;
    if (classes < 2)
      throw new ShapeError(`cocl: logits must have at least ${2 + first} classes, got ${showShape(logits.shape)}.`);

    const gram = slice(overlaps(logits), [0, first, first], [batch, classes, classes]);
    const identity = eye(classes);
    const norms = sqrt(sum(mul(gram, identity), -1)); // ‖p(b, c)‖ [batch, class], not 0 thanks to the floor
    const scale = div(1, norms);
    const affinity = mul(mul(gram, expandDims(scale, 1)), expandDims(scale, 2));
    // A(b, c, c) = 1, so the loss of a class is log(1 + Σ_{k ≠ c} exp(A(b, k, c) − 1)).
    const others = sum(mul(exp(sub(affinity, 1)), sub(1, identity)), -1);
    return mean(log(add(others, 1)));
  };
}

/** p pᵀ over voxels, `[batch, class, class]`, p = max(softmax(logits), 1e-10). Its gradient goes straight to the logits. */
function overlaps(logits: Tensor5D): Tensor3D {
  const [batch, depth, height, width, classes] = logits.shape;
  const planes = [batch, depth, height * width, classes] as const;
  const gram = customGrad((...inputs: (Tensor | GradSaveFunc)[]) => {
    const [z, save] = inputs as [Tensor, GradSaveFunc];
    const p = softmax(z);
    const maps = reshape(clipByValue(p, FLOOR, 1), [...planes]);
    save([p]);
    return { value: sum(matMul(maps, maps, true, false), 1), gradFunc: backward };
  });
  const backward = (upstream: Tensor, saved: Tensor[]): Tensor[] => {
    const [p] = saved as [Tensor]; // in the place of the maps, which differ by the floor at most
    const both = expandDims(add(upstream, transpose(upstream, [0, 2, 1])), 1);
    const perPlane = broadcastTo(both, [batch, depth, classes, classes]); // matMul of tfjs mixes up some batches else
    const toMaps = reshape(transpose(matMul(perPlane, reshape(p, [...planes]), false, true), [0, 1, 3, 2]), p.shape);
    const weighted = mul(p, toMaps); // below the floor next to nothing, since p is
    return [sub(weighted, mul(p, sum(weighted, -1, true)))]; // through the softmax
  };
  return gram(logits) as Tensor3D;
}
