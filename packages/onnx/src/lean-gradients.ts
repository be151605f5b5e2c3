import { sizeOf, UnsupportedOpError } from "@plseg/core";
import {
  broadcastTo,
  cast,
  clipByValue,
  div,
  type GradConfig,
  getGradient,
  greater,
  mul,
  type NamedAttrMap,
  registerGradient,
  reshape,
  type Tensor,
} from "@tensorflow/tfjs-core";

/** The upstream gradient of a reduction, repeated over the axes that were folded. */
function repeated(
  dy: Tensor,
  x: Tensor,
  { axis, reductionIndices }: NamedAttrMap,
): { gradient: Tensor; count: number } {
  const given = (axis ?? reductionIndices) as number | number[] | null | undefined;
  const axes = given === null || given === undefined ? x.shape.map((_, i) => i) : [given].flat();
  const folded = new Set(axes.map((a) => (a < 0 ? a + x.rank : a)));
  const kept = x.shape.map((size, i) => (folded.has(i) ? 1 : size));
  return {
    gradient: broadcastTo(reshape(dy, kept), x.shape),
    count: sizeOf(x.shape.filter((_, i) => folded.has(i))),
  };
}

/**
 * Gradients that tfjs takes more passes for. Those of sums it multiplies by a tensor of ones as large as the input; here they
 * repeat the upstream gradient, which costs a trace nothing: tracing a patch too large for the machine must not itself take
 * the memory it would need. That of a leaky ReLU keeps the input, which nothing else needs, and
 * chooses between two gradients; here it is a product with the slope, which the output tells as well.
 */
export const LEAN_GRADIENTS: readonly GradConfig[] = [
  {
    kernelName: "Sum",
    inputsToSave: ["x"],
    gradFunc: (dy, saved, attributes) => ({ x: () => repeated(dy as Tensor, saved[0] as Tensor, attributes).gradient }),
  },
  {
    kernelName: "Mean",
    inputsToSave: ["x"],
    gradFunc: (dy, saved, attributes) => ({
      x: () => {
        const { gradient, count } = repeated(dy as Tensor, saved[0] as Tensor, attributes);
        return div(gradient, count);
      },
    }),
  },
  {
    kernelName: "LeakyRelu",
    outputsToSave: [true],
    gradFunc: (dy, saved, attributes) => {
      const alpha = attributes.alpha as number;
      if (!(alpha >= 0 && alpha <= 1))
        throw new UnsupportedOpError(`trace: the gradient of leakyRelu wants alpha in [0, 1], got ${alpha}.`);
      const positive = cast(greater(saved[0] as Tensor, 0), "float32"); // x > 0 just where the output is
      return { x: () => mul(dy as Tensor, clipByValue(positive, alpha, 1)) }; // 0 becomes alpha: cheaper than to choose
    },
  },
];

/** Runs with the lean gradients in the place of those of tfjs, and puts tfjs' own back. */
export function withLeanGradients<T>(run: () => T): T {
  const own = LEAN_GRADIENTS.map(({ kernelName }) => getGradient(kernelName));
  for (const gradient of LEAN_GRADIENTS) registerGradient(gradient);
  try {
    return run();
  } finally {
    for (const gradient of own) if (gradient) registerGradient(gradient);
  }
}
