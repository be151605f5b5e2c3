import { ShapeError, showShape } from "@plseg/core";
import { engine, keep, type Scalar, type Tensor, zerosLike } from "@tensorflow/tfjs-core";
import { stopGradient } from "./stop-gradient.js";

/** What {@link valueAndGradients} returns. */
export interface ValueAndGradients<Aux extends Readonly<Record<string, Tensor>>> {
  /** What the function computed. */
  readonly value: Scalar;
  /** By-products by name. Also a surrounding `tidy` leaves them alone: dispose them when they are no longer needed. */
  readonly aux: Aux;
  /** One per tensor, in order, of its shape. */
  readonly gradients: Tensor[];
}

/**
 * Value, by-products and gradients of a closure over tensors, in one run.
 *
 * Like `valueAndGrads` of TensorFlow.js, but the function may also hand out other tensors than its value, and a tensor
 * that has no influence on the value has a gradient of zeros instead of being an error.
 *
 * @param fn - Computes a scalar from `xs` and whatever else it likes.
 * @param xs - At least one tensor.
 * @throws ShapeError if the value is not a scalar.
 */
export function valueAndGradients<Aux extends Readonly<Record<string, Tensor>>>(
  fn: () => { readonly value: Scalar; readonly aux: Aux },
  xs: readonly Tensor[],
): ValueAndGradients<Aux> {
  const aux: Record<string, Tensor> = {};
  const forward = (): Scalar => {
    const result = fn();
    if (result.value.size !== 1 || result.value.rank !== 0)
      throw new ShapeError(`valueAndGradients: the value must be a scalar, got ${showShape(result.value.shape)}.`);
    // tensors of their own, since what the function made is disposed when it ends
    for (const [name, tensor] of Object.entries(result.aux)) aux[name] = keep(stopGradient(tensor));
    return result.value;
  };
  // the public functions insist that every tensor has a gradient; only the engine's method lets one have none
  const { value, grads } = engine().gradients(forward, [...xs], undefined, true);
  const gradients = xs.map((x, i) => (grads as (Tensor | undefined)[])[i] ?? zerosLike(x));
  return { value, aux: aux as Aux, gradients };
}
