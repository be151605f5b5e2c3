import { UnsupportedOpError } from "@plseg/core";
import type { Graph } from "../graph.js";
import type { Sym } from "../symbol.js";
import { choose, compare, elementwise, float, scalar } from "./elementwise.js";
import { input, type KernelAttributes, type KernelTable } from "./kernel.js";

const alphaOf = (alpha: unknown): { alpha: { float: number } } => ({ alpha: { float: alpha as number } });

/** `x` where positive, else `alpha · x`, with weights that broadcast. */
function prelu(graph: Graph, x: Sym, alpha: Sym): Sym {
  const negative = elementwise(graph, "Mul", [x, alpha]);
  const positive = elementwise(graph, "GreaterOrEqual", [x, scalar(graph, 0, x.value.type)], "bool");
  return elementwise(graph, "Where", [positive, x, negative], x.value.type);
}

/** `min(max(x, 0), 6)`. */
const relu6 = (graph: Graph, x: Sym): Sym => {
  const limits = [scalar(graph, 0, x.value.type), scalar(graph, 6, x.value.type)].map(({ value }) => value);
  return { ...x, value: graph.node("Clip", [x.value, ...limits], x.value.type, x.value.shape) };
};

/** `max(x, 0)`. */
const relu = (graph: Graph, x: Sym): Sym =>
  x.value.type === "float32"
    ? elementwise(graph, "Relu", [x])
    : elementwise(graph, "Max", [x, scalar(graph, 0, x.value.type)]);

/** Activations that tfjs fuses into a product or convolution, by its names. */
function activated(graph: Graph, x: Sym, attributes: KernelAttributes, weights: Sym | undefined): Sym {
  const activation = (attributes.activation ?? "linear") as string;
  switch (activation) {
    case "linear":
      return x;
    case "relu":
      return relu(graph, x);
    case "relu6":
      return relu6(graph, x);
    case "elu":
      return elementwise(graph, "Elu", [x]);
    case "sigmoid":
      return elementwise(graph, "Sigmoid", [x]);
    case "leakyrelu":
      return elementwise(graph, "LeakyRelu", [x], undefined, alphaOf(attributes.leakyreluAlpha));
    case "prelu":
      if (weights) return prelu(graph, x, weights);
  }
  throw new UnsupportedOpError(
    `trace: the fused activation "${activation}" cannot be traced. Apply it as an operation of its own.`,
  );
}

/** `x + bias`, then the activation that the attributes name. */
export function withBiasAndActivation(
  graph: Graph,
  x: Sym,
  bias: Sym | undefined,
  weights: Sym | undefined,
  attributes: KernelAttributes,
): Sym {
  return activated(graph, bias ? elementwise(graph, "Add", [x, bias]) : x, attributes, weights);
}

/** Kernels of activations. */
export const ACTIVATION_KERNELS: KernelTable = {
  Relu: (graph, inputs) => relu(graph, input(inputs, "x")),
  Relu6: (graph, inputs) => relu6(graph, input(inputs, "x")),
  LeakyRelu: (graph, inputs, { alpha }) =>
    elementwise(graph, "LeakyRelu", [float(graph, input(inputs, "x"))], undefined, alphaOf(alpha)),
  Prelu: (graph, inputs) => prelu(graph, float(graph, input(inputs, "x")), float(graph, input(inputs, "alpha"))),
  Elu: (graph, inputs) => elementwise(graph, "Elu", [input(inputs, "x")]),
  // y is elu(x): where x < 0 its slope is exp(x) = y + 1
  EluGrad: (graph, inputs) => {
    const [dy, y] = [input(inputs, "dy"), input(inputs, "y")];
    const slope = elementwise(graph, "Add", [y, scalar(graph, 1)]);
    const positive = elementwise(graph, "GreaterOrEqual", [y, scalar(graph, 0)], "bool");
    return elementwise(graph, "Where", [positive, dy, elementwise(graph, "Mul", [dy, slope])], "float32");
  },
  Selu: (graph, inputs) => elementwise(graph, "Selu", [input(inputs, "x")]),
  Sigmoid: (graph, inputs) => elementwise(graph, "Sigmoid", [input(inputs, "x")]),
  Softplus: (graph, inputs) => elementwise(graph, "Softplus", [input(inputs, "x")]),
  Tanh: (graph, inputs) => elementwise(graph, "Tanh", [input(inputs, "x")]),
  Step: (graph, inputs, { alpha }) => {
    const x = input(inputs, "x");
    const positive = elementwise(graph, "Greater", [x, scalar(graph, 0, x.value.type)], "bool");
    const [one, other] = [scalar(graph, 1, x.value.type), scalar(graph, alpha as number, x.value.type)];
    const step = choose(graph, positive, one, other);
    return x.value.type === "float32" ? choose(graph, compare(graph, "Equal", x, x), step, x) : step; // keeps not-a-numbers
  },
};
