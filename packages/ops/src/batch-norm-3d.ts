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

export interface BatchNorm3dOptions {
  /** Added to the variance. */
  readonly epsilon?: number;
}

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

  const average = untaped(() => mean<Tensor1D>(x, VALUES));
  const centered = untaped(() => sub<Tensor5D>(x, average));
  const variance = untaped(() => mean<Tensor1D>(square(centered), VALUES));
  const inverse = untaped(() => rsqrt(add<Tensor1D>(variance, epsilon))); // 1/σ
  const count = x.size / scale.size;

  const normalize = customGrad<Tensor5D>((...args) => {
    const [, scale, offset, save] = args as unknown as [Tensor5D, Tensor1D, Tensor1D, GradSaveFunc];
    const gain = mul<Tensor1D>(scale, inverse);
    save([centered, inverse, gain]);
    return {
      value: add(mul(centered, gain), offset),
      gradFunc: (dy: Tensor5D, saved: Tensor[]) => {
        const [centered, inverse, gain] = saved as [Tensor5D, Tensor1D, Tensor1D];
        const sumDy = sum<Tensor1D>(dy, VALUES);
        const dScale = mul<Tensor1D>(sum(mul(dy, centered), VALUES), inverse); // Σ dy · x̂
        const slope = neg(div(mul(mul(gain, inverse), dScale), count));
        const shift = neg(div(mul(gain, sumDy), count));
        const dx = add<Tensor5D>(add(mul(dy, gain), mul(centered, slope)), shift);
        return [dx, dScale, sumDy];
      },
    };
  });
  return { y: normalize(x, scale, offset), mean: average, variance };
}

/** What {@link batchNorm3dInference} normalizes by, each `[channel]`. */
export interface BatchNorm3dStatistics {
  readonly mean: Tensor1D;
  readonly variance: Tensor1D;
  readonly scale: Tensor1D;
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
