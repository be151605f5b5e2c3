import { ConfigError, type Initializer, type Network, type Shape, showShape, type Weights } from "@plseg/core";
import { type Tensor, type Tensor5D, tidy, zeros } from "@tensorflow/tfjs-core";
import type { WeightSpec } from "./weight-spec.js";

/** A store that gives zeros and notes what it was asked for. */
export interface WeightRecorder {
  /** Hands out zeros and notes what was asked for. */
  readonly weights: Weights;
  /** What was asked for so far, in order of first use. */
  readonly specs: readonly WeightSpec[];
}

/** Makes a {@link WeightRecorder}. Asking for one name with two shapes or kinds is a ConfigError. */
export function weightRecorder(): WeightRecorder {
  const specs = new Map<string, WeightSpec>();
  const ask = (kind: WeightSpec["kind"], name: string, shape: Shape, initializer: Initializer): Tensor => {
    const known = specs.get(name);
    if (known && (known.kind !== kind || showShape(known.shape) !== showShape(shape)))
      throw new ConfigError(
        `weightRecorder: "${name}" was a ${known.kind} ${showShape(known.shape)}, and is now asked for as a ${kind} ${showShape(shape)}.`,
      );
    if (!known) specs.set(name, { name, shape: [...shape], initializer, kind });
    return zeros([...shape]);
  };
  const at = (prefix: string): Weights => ({
    get: (name, shape, initializer) => ask("parameter", prefix + name, shape, initializer),
    buffer: (name, shape, initializer) => ask("buffer", prefix + name, shape, initializer),
    setBuffer: () => undefined,
    at: (inner) => at(`${prefix}${inner}.`),
  });
  return {
    weights: at(""),
    get specs() {
      return [...specs.values()];
    },
  };
}

/**
 * Lists the weights of a network in order of first use, by running it once on zeros. Weights do not depend on the size
 * of the image, so the smallest one that the network takes will do.
 *
 * @param imageShape - `[batch, depth, height, width, channel]`.
 */
export function listWeights(network: Network, imageShape: Shape): WeightSpec[] {
  const recorder = weightRecorder();
  tidy(() => {
    network(recorder.weights, zeros(imageShape as Tensor5D["shape"]), { training: false });
  });
  return [...recorder.specs];
}
