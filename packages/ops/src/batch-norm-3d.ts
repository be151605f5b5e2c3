import { checkRank, checkSameShape, withDefaults } from "@plseg/core";
import {
  add,
  customGrad,
  div,
  type GradSaveFunc,
  mean,
  mul,
  neg,
  rsqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor5D,
} from "@tensorflow/tfjs-core";
import { untaped } from "./untaped.js";

/** Options of {@link batchNorm3d} and {@link batchNorm3dInference}. */
export interface BatchNorm3dOptions {
  /** Added to the variance. */
  readonly epsilon?: number;
}

/** What {@link batchNorm3d} and {@link batchNorm3dInference} use where an option is missing. */
export const BATCH_NORM_3D_DEFAULTS: Required<BatchNorm3dOptions> = { epsilon: 1e-5 };

/** A normalized batch and what it was normalized by. */
export interface BatchNorm3dResult {
  /** `[batch, depth, height, width, channel]`. */
  readonly y: Tensor5D;
  /** Of each channel over the batch and all voxels. Constant to every gradient. */
  readonly mean: Tensor1D;
  /** Biased: divided by the number of values. Constant to every gradient. */
  readonly variance: Tensor1D;
}

/** Batch, depth, height and width. */
const VALUES = [0, 1, 2, 3];

/**
 * Batch normalization of a volume by its own statistics, as in training.
 *
 *     y = (x − mean) / √(variance + ε) · scale + offset          mean, variance: of each channel, over batch and voxels
 *
 *     dx = scale/σ · (dy − mean(dy) − x̂ · mean(dy · x̂))          σ = √(variance + ε)   x̂ = (x − mean)/σ
 *
 * The gradient is written by hand, through the statistics, and reads the volume as few times as it can.
 *
 * @param x - `[batch, depth, height, width, channel]`.
 * @param scale - `[channel]`, called weight or gamma elsewhere.
 * @param offset - `[channel]`, called bias or beta elsewhere.
 * @throws ShapeError if the ranks or the channels do not fit.
 * @see Ioffe & Szegedy, ICML 2015, https://arxiv.org/abs/1502.03167. Agrees with PyTorch `BatchNorm3d` in training.
 */
export function batchNorm3d(
  x: Tensor5D,
  scale: Tensor1D,
  offset: Tensor1D,
  options: BatchNorm3dOptions = {},
): BatchNorm3dResult {
  const { epsilon } = withDefaults(BATCH_NORM_3D_DEFAULTS, options);
  checkChannels("batchNorm3d", x, { scale, offset });

  // The first mean is rounded, so what is centered by it still has a mean of its own: taking that into account makes
  // channels right that vary little around a large value, and costs one more sum, but no other pass over the volume.
  const rough = untaped(() => mean<Tensor1D>(x, VALUES));
  const centered = untaped(() => sub<Tensor5D>(x, rough));
  const rest = untaped(() => mean<Tensor1D>(centered, VALUES));
  const variance = untaped(() => sub<Tensor1D>(mean(square(centered), VALUES), square(rest)));
  const inverse = untaped(() => rsqrt(add<Tensor1D>(variance, epsilon))); // 1/σ
  const count = x.size / scale.size;

  const normalize = customGrad<Tensor5D>((...args) => {
    const [, scale, offset, save] = args as unknown as [Tensor5D, Tensor1D, Tensor1D, GradSaveFunc];
    const gain = mul<Tensor1D>(scale, inverse);
    save([centered, rest, inverse, gain]);
    return {
      value: add(mul(centered, gain), sub(offset, mul(rest, gain))),
      gradFunc: (dy: Tensor5D, saved: Tensor[]) => {
        const [centered, rest, inverse, gain] = saved as [Tensor5D, Tensor1D, Tensor1D, Tensor1D];
        const dOffset = sum<Tensor1D>(dy, VALUES);
        const dScale = mul<Tensor1D>(sub(sum(mul(dy, centered), VALUES), mul(rest, dOffset)), inverse); // Σ dy · x̂
        const slope = neg(div(mul(mul(gain, inverse), dScale), count));
        const shift = neg(add(div(mul(gain, dOffset), count), mul(slope, rest)));
        const dx = add<Tensor5D>(add(mul(dy, gain), mul(centered, slope)), shift);
        return [dx, dScale, dOffset];
      },
    };
  });
  return { y: normalize(x, scale, offset), mean: untaped(() => add<Tensor1D>(rough, rest)), variance };
}

/** Mean and variance of each channel, each `[channel]`. */
export interface ChannelStatistics {
  /** `[channel]`. */
  readonly mean: Tensor1D;
  /** `[channel]`. */
  readonly variance: Tensor1D;
}

/**
 * Running statistics after one more batch.
 *
 *     mean ← (1 − momentum) mean + momentum · batch mean
 *     variance ← (1 − momentum) variance + momentum · batch variance · n/(n − 1)        the unbiased one
 *
 * @param batch - Of the batch, the variance biased, as {@link batchNorm3d} gives it.
 * @param count - n, the number of values per channel in the batch. A single one counts as its own variance, 0.
 * @param momentum - Share of the batch (PyTorch's meaning; TensorFlow's is 1 minus it).
 */
export function updateRunningStatistics(
  running: ChannelStatistics,
  batch: ChannelStatistics,
  count: number,
  momentum: number = 0.1,
): ChannelStatistics {
  const unbiased = count / Math.max(count - 1, 1);
  return {
    mean: add(mul(running.mean, 1 - momentum), mul(batch.mean, momentum)),
    variance: add(mul(running.variance, 1 - momentum), mul(batch.variance, momentum * unbiased)),
  };
}

/** What {@link batchNorm3dInference} normalizes by, each `[channel]`. */
export interface BatchNorm3dStatistics extends ChannelStatistics {
  /** `[channel]`, γ. */
  readonly scale: Tensor1D;
  /** `[channel]`, β. */
  readonly offset: Tensor1D;
}

/**
 * Batch normalization by known statistics, as in inference: one multiplication and one addition per value.
 *
 *     y = (x − mean) / √(variance + ε) · scale + offset
 *
 * @param x - `[batch, depth, height, width, channel]`.
 * @throws ShapeError if the ranks or the channels do not fit.
 */
export function batchNorm3dInference(
  x: Tensor5D,
  statistics: BatchNorm3dStatistics,
  options: BatchNorm3dOptions = {},
): Tensor5D {
  const { epsilon } = withDefaults(BATCH_NORM_3D_DEFAULTS, options);
  const { mean, variance, scale, offset } = statistics;
  checkChannels("batchNorm3dInference", x, { mean, variance, scale, offset });
  const gain = mul(scale, rsqrt(add(variance, epsilon)));
  return add(mul(x, gain), sub(offset, mul(mean, gain)));
}

function checkChannels(where: string, x: Tensor5D, vectors: Readonly<Record<string, Tensor1D>>): void {
  checkRank(where, ["x", x.shape], [5]);
  for (const [name, vector] of Object.entries(vectors))
    checkSameShape(where, [name, vector.shape], ["the channels of x", x.shape.slice(-1)]);
}
