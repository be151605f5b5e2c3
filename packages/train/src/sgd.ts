import { ConfigError, withDefaults } from "@plseg/core";
import { add, mul, sub, type Tensor1D } from "@tensorflow/tfjs-core";
import type { Optimizer } from "./optimizer.js";

/** Options of {@link sgd}. */
export interface SgdOptions {
  /** Share of the velocity that each step keeps, in [0, 1). */
  readonly momentum?: number;
}

/** What {@link sgd} uses where an option is missing: nnU-Net's value, DoDNet's and CoNeMOS's. */
export const SGD_DEFAULTS: Required<SgdOptions> = { momentum: 0.99 };

/**
 * Stochastic gradient descent with Nesterov momentum.
 *
 *     u = μ u + g     p = p − lr (g + μ u)
 *
 * @throws ConfigError unless the momentum lies in [0, 1).
 * @see Sutskever et al., ICML 2013. Agrees with PyTorch `SGD(nesterov=True)`, whose learning rate is not in u either.
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum } = withDefaults(SGD_DEFAULTS, options);
  if (!(momentum >= 0 && momentum < 1)) throw new ConfigError(`sgd: momentum must lie in [0, 1), got ${momentum}.`);
  return {
    vectors: ["velocity"],
    update(parameters, gradient, { velocity }, { learningRate }) {
      const next = add(mul(velocity as Tensor1D, momentum), gradient) as Tensor1D;
      const change = mul(add(gradient, mul(next, momentum)), learningRate);
      return { parameters: sub(parameters, change) as Tensor1D, state: { velocity: next } };
    },
  };
}
