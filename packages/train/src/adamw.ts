import { ConfigError, withDefaults } from "@plseg/core";
import { mul, sub, type Tensor1D } from "@tensorflow/tfjs-core";
import { ADAM_DEFAULTS, type AdamOptions, adam } from "./adam.js";
import type { Optimizer } from "./optimizer.js";

/** Options of {@link adamw}. */
export interface AdamwOptions extends AdamOptions {
  /** Share of the kernels that each step takes away, times the learning rate. */
  readonly weightDecay?: number;
}

/** What {@link adamw} uses where an option is missing: PyTorch's weight decay, PL-Seg's β. */
export const ADAMW_DEFAULTS: Required<AdamwOptions> = { ...ADAM_DEFAULTS, weightDecay: 0.01 };

/**
 * Adam with decoupled weight decay: the parameters shrink first, and Adam's change does not see it.
 *
 *     p = (1 − lr λ) p, then as {@link adam}          (1 − lr λ) for kernels only
 *
 * @throws ConfigError if the weight decay is below 0.
 * @see Loshchilov & Hutter, ICLR 2019, https://arxiv.org/abs/1711.05101. Agrees with PyTorch `AdamW` where that is given the
 * kernels in a group of their own, and the rest with `weight_decay=0`.
 */
export function adamw(options: AdamwOptions = {}): Optimizer {
  const { weightDecay, ...adamOptions } = withDefaults(ADAMW_DEFAULTS, options);
  if (!(weightDecay >= 0)) throw new ConfigError(`adamw: weightDecay must be at least 0, got ${weightDecay}.`);
  const { vectors, update } = adam(adamOptions);
  return {
    vectors,
    update(parameters, gradient, state, context) {
      const shrinkage = mul(context.decaying(), mul(context.learningRate, weightDecay));
      return update(sub(parameters, shrinkage) as Tensor1D, gradient, state, context);
    },
  };
}
