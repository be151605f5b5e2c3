import { ConfigError, withDefaults } from "@plseg/core";
import { add, mul, sub, type Tensor1D } from "@tensorflow/tfjs-core";
import type { Optimizer } from "./optimizer.js";

/** Options of {@link sgd}. */
export interface SgdOptions {
  /** Share of the velocity that each step keeps, in [0, 1). */
  readonly momentum?: number;
  /** Times the kernels, added to the gradient. */
  readonly weightDecay?: number;
}

/** What {@link sgd} uses where an option is missing: nnU-Net's value, DoDNet's and CoNeMOS's. */
export const SGD_DEFAULTS: Required<SgdOptions> = { momentum: 0.99, weightDecay: 0 };

/**
 * Stochastic gradient descent with Nesterov momentum.
 *
 *     g = g + λ p     u = μ u + g     p = p − lr (g + μ u)          λ p for kernels only
 *
 * @throws ConfigError unless the momentum lies in [0, 1) and the weight decay is at least 0.
 * @see Sutskever et al., ICML 2013. Agrees with PyTorch `SGD(nesterov=True)`, whose learning rate is not in u either.
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum, weightDecay } = withDefaults(SGD_DEFAULTS, options);
  if (!(momentum >= 0 && momentum < 1)) throw new ConfigError(`sgd: momentum must lie in [0, 1), got ${momentum}.`);
  if (!(weightDecay >= 0)) throw new ConfigError(`sgd: weightDecay must be at least 0, got ${weightDecay}.`);
  return {
    vectors: ["velocity"],
    update(parameters, gradient, { velocity }, { learningRate, decaying }) {
      const pulled = weightDecay > 0 ? add(gradient, mul(decaying(), weightDecay)) : gradient;
      const next = add(mul(velocity as Tensor1D, momentum), pulled) as Tensor1D;
      const change = mul(add(pulled, mul(next, momentum)), learningRate);
      return { parameters: sub(parameters, change) as Tensor1D, state: { velocity: next } };
    },
  };
}
