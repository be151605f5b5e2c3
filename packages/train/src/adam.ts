import { withDefaults } from "@plseg/core";
import { add, div, mul, pow, scalar, sqrt, square, sub, type Tensor1D } from "@tensorflow/tfjs-core";
import type { Optimizer } from "./optimizer.js";

/** Options of {@link adam}. */
export interface AdamOptions {
  /** Decay of the mean of gradients. */
  readonly beta1?: number;
  /** Decay of the mean of squared gradients. */
  readonly beta2?: number;
  /** Added to the root of the mean of squares. */
  readonly epsilon?: number;
}

/** What {@link adam} uses where an option is missing: PL-Seg's values. */
export const ADAM_DEFAULTS: Required<AdamOptions> = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };

/**
 * Adam.
 *
 *     m = β₁ m + (1 − β₁) g     v = β₂ v + (1 − β₂) g²     p = p − lr/(1 − β₁ᵏ) · m / (√v / √(1 − β₂ᵏ) + ε)
 *
 * @see Kingma & Ba, ICLR 2015, https://arxiv.org/abs/1412.6980. Agrees with PyTorch `Adam`.
 */
export function adam(options: AdamOptions = {}): Optimizer {
  const { beta1, beta2, epsilon } = withDefaults(ADAM_DEFAULTS, options);
  return {
    vectors: ["m", "v"],
    update(parameters, gradient, state, { learningRate, step }) {
      const { m, v } = state as { m: Tensor1D; v: Tensor1D };
      const nextM = add(mul(m, beta1), mul(gradient, 1 - beta1)) as Tensor1D;
      const nextV = add(mul(v, beta2), mul(square(gradient), 1 - beta2)) as Tensor1D;
      const rate = div(learningRate, sub(1, pow(scalar(beta1), step)));
      const root = sqrt(sub(1, pow(scalar(beta2), step)));
      const change = mul(div(nextM, add(div(sqrt(nextV), root), epsilon)), rate);
      return { parameters: sub(parameters, change) as Tensor1D, state: { m: nextM, v: nextV } };
    },
  };
}
