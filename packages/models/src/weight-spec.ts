import { ConfigError, type Initializer, Random, type Shape, showShape, sizeOf } from "@plseg/core";

/** One weight of a network: its name, its TensorFlow.js shape, how it starts, and whether it is trained. */
export interface WeightSpec {
  /** Dotted path by place, such as `encoder.0.1.norm.weight`. */
  readonly name: string;
  /** As the network asks for it: a 3-D kernel is `[depth, height, width, in, out]`. */
  readonly shape: Shape;
  /** How it starts. */
  readonly initializer: Initializer;
  /** Trained, or kept beside what is trained. */
  readonly kind: "parameter" | "buffer";
}

/**
 * Axes of a stored weight in terms of those of its tensor: a kernel `[...kernel, in, out]` is stored as
 * `[out, in, ...kernel]`, as PyTorch does it. Vectors stay as they are.
 */
export function storedPermutation(rank: number): number[] {
  if (rank < 2) return Array.from({ length: rank }, (_, axis) => axis);
  return [rank - 1, rank - 2, ...Array.from({ length: rank - 2 }, (_, axis) => axis)];
}

/** The way back: axes of a weight's tensor in terms of those of the stored weight. */
export function loadedPermutation(rank: number): number[] {
  if (rank < 2) return Array.from({ length: rank }, (_, axis) => axis);
  return [...Array.from({ length: rank - 2 }, (_, axis) => axis + 2), 1, 0];
}

/** The shape in which a weight of a TensorFlow.js shape is stored. */
export function storedShape(shape: Shape): number[] {
  return storedPermutation(shape.length).map((axis) => shape[axis] as number);
}

/**
 * Draws the starting values of weights, each in stored order.
 *
 * Each name has a random stream of its own, so neither the order nor the presence of others matters.
 *
 * @param seed - Any number or text.
 * @throws ConfigError if a vector is to be drawn from a distribution that needs its fan.
 */
export function drawWeights(specs: readonly WeightSpec[], seed: number | string): Map<string, Float32Array> {
  return new Map(specs.map((spec) => [spec.name, drawWeight(spec, Random.of(seed, spec.name))]));
}

function drawWeight({ name, shape, initializer }: WeightSpec, random: Random): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  if (initializer === "zeros") return values;
  if (initializer === "ones") return values.fill(1);
  if (shape.length < 2)
    throw new ConfigError(
      `drawWeights: ${initializer} needs a weight with inputs and outputs, got "${name}" of shape ${showShape(shape)}.`,
    );
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  const kernel = sizeOf(shape.slice(0, -2));
  const fan = initializer === "xavier-normal" ? kernel * (inputs + outputs) : kernel * inputs;
  return values.map(() => random.normal(0, Math.sqrt(2 / fan)));
}
