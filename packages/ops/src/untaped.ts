import { customGrad, type Tensor } from "@tensorflow/tfjs-core";

/**
 * Runs a function whose operations leave no trace on the gradient tape: its result is a constant to every gradient, and
 * nothing is kept alive for a backward pass. (A custom-gradient operation without inputs depends on nothing.)
 */
export function untaped<T extends Tensor>(fn: () => T): T {
  return customGrad<T>(() => ({ value: fn(), gradFunc: () => [] }))();
}
