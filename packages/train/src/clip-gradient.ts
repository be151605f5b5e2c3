import { add, div, minimum, mul, type Scalar, type Tensor1D } from "@tensorflow/tfjs-core";

/**
 * A gradient whose Euclidean norm is at most `clipNorm`: a longer one is shortened, its direction kept.
 *
 *     g · min(1, clipNorm / (‖g‖ + 1e-6))
 *
 * @param gradient - `[P]`.
 * @param norm - Its Euclidean norm.
 * @see Agrees with PyTorch `clip_grad_norm_`.
 */
export function clipGradient(gradient: Tensor1D, norm: Scalar, clipNorm: number): Tensor1D {
  return mul(gradient, minimum(div(clipNorm, add(norm, 1e-6)), 1));
}
