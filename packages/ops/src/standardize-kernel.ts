import { add, div, mean, mul, type Rank, sqrt, square, sub, sum, type Tensor } from "@tensorflow/tfjs-core";

/** Added to the variance. Not an option: nothing but the code of DoDNet says what it is. */
const EPSILON = 1e-12;

/**
 * Weight standardization: the kernel of each output channel with mean 0 and variance 1.
 *
 *     w ← (w − mean) / √(variance + 1e-12)          of each output channel, the variance divided by n − 1
 *
 * The gradient flows through it.
 *
 * @param kernel - `[...kernel, in, out]`, more than one value for each output channel.
 * @see Qiao et al., 2019, https://arxiv.org/abs/1903.10520. Agrees with `Conv3d_wd` of DoDNet.
 */
export function standardizeKernel<R extends Rank>(kernel: Tensor<R>): Tensor<R> {
  const inputs = [...kernel.shape.keys()].slice(0, -1);
  const centered = sub(kernel, mean(kernel, inputs, true));
  const count = kernel.size / (kernel.shape.at(-1) ?? 1);
  const variance = mul(sum(square(centered), inputs, true), 1 / (count - 1));
  return div(centered, sqrt(add(variance, EPSILON)));
}
