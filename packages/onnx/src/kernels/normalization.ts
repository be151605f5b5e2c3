import type { Graph } from "../graph.js";
import { plain, reshaped, type Sym } from "../symbol.js";
import { elementwise, scalar } from "./elementwise.js";
import { input, type KernelAttributes, type KernelTable } from "./kernel.js";
import { matMul } from "./matmul.js";

/** Sums over the channels at most `depthRadius` away, as a product with a band of ones. */
function neighborhoodSum(graph: Graph, x: Sym, { depthRadius }: KernelAttributes): Sym {
  const channels = x.shape.at(-1) ?? 1;
  const band = Float32Array.from({ length: channels ** 2 }, (_, i) =>
    Number(Math.abs((i % channels) - Math.floor(i / channels)) <= (depthRadius as number)),
  );
  const rows = x.shape.slice(0, -1).reduce((total, size) => total * size, 1);
  const matrix = plain(graph.constant(band, [channels, channels]));
  return reshaped(graph, matMul(graph, reshaped(graph, x, [rows, channels]), matrix), x.shape);
}

/** `bias + alpha · Σ x²` over neighboring channels. */
function localNorm(graph: Graph, x: Sym, attributes: KernelAttributes): Sym {
  const squares = neighborhoodSum(graph, elementwise(graph, "Mul", [x, x]), attributes);
  const scaled = elementwise(graph, "Mul", [squares, scalar(graph, attributes.alpha as number)]);
  return elementwise(graph, "Add", [scaled, scalar(graph, attributes.bias as number)]);
}

const power = (graph: Graph, x: Sym, exponent: number): Sym => elementwise(graph, "Pow", [x, scalar(graph, exponent)]);

/** Kernels that normalize. */
export const NORMALIZATION_KERNELS: KernelTable = {
  FusedBatchNorm: (graph, inputs, { varianceEpsilon }) => {
    const [x, mean, variance] = [input(inputs, "x"), input(inputs, "mean"), input(inputs, "variance")];
    const { scale, offset } = inputs;
    const widened = elementwise(graph, "Add", [variance, scalar(graph, varianceEpsilon as number)]);
    const inverse = elementwise(graph, "Reciprocal", [elementwise(graph, "Sqrt", [widened])]);
    const gain = scale ? elementwise(graph, "Mul", [inverse, scale]) : inverse;
    const normalized = elementwise(graph, "Mul", [elementwise(graph, "Sub", [x, mean]), gain]);
    return offset ? elementwise(graph, "Add", [normalized, offset]) : normalized;
  },
  LRN: (graph, inputs, attributes) => {
    const x = input(inputs, "x");
    const norm = localNorm(graph, x, attributes);
    return elementwise(graph, "Mul", [x, power(graph, norm, -(attributes.beta as number))]);
  },
  // dx = dy · n^−β − 2αβ · x · Σ dy · y / n over the channels that x has a part in
  LRNGrad: (graph, inputs, attributes) => {
    const [x, y, dy] = [input(inputs, "x"), input(inputs, "y"), input(inputs, "dy")];
    const { alpha, beta } = attributes as { alpha: number; beta: number };
    const norm = localNorm(graph, x, attributes);
    const own = elementwise(graph, "Mul", [dy, power(graph, norm, -beta)]);
    const shares = elementwise(graph, "Div", [elementwise(graph, "Mul", [dy, y]), norm]);
    const others = elementwise(graph, "Mul", [x, neighborhoodSum(graph, shares, attributes)]);
    return elementwise(graph, "Sub", [own, elementwise(graph, "Mul", [others, scalar(graph, 2 * alpha * beta)])]);
  },
};
