import { clone, type Tensor } from "@tensorflow/tfjs-core";
import { untaped } from "./untaped.js";

/**
 * The same values, constant to every gradient: d stopGradient(x) / dx = 0.
 *
 * The result is a tensor of its own over the same data, so it costs nothing, and either may be disposed before the other.
 *
 * @see `tf.stop_gradient` of TensorFlow and `detach` of PyTorch; TensorFlow.js has neither.
 */
export function stopGradient<T extends Tensor>(x: T): T {
  return untaped(() => clone(x));
}
