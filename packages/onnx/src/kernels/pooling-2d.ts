import { ShapeError, showShape, sizeOf } from "@plseg/core";
import type { Graph } from "../graph.js";
import { channelsFirstOrder, materialize, plain, type Sym } from "../symbol.js";
import { unstrided } from "./convolution.js";
import { castTo, choose, compare, elementwise, float, scalar } from "./elementwise.js";
import type { Geometry } from "./geometry.js";
import { input, type KernelAttributes, type KernelTable, type TraceKernel } from "./kernel.js";
import { places } from "./scan.js";
import { padded } from "./shaping.js";
import { asImage, gradientAtWinners, poolingGeometry, seenByTap, taps, winners } from "./windows.js";

const NONE = [0, 0] as const;
const LOWEST = Number.NEGATIVE_INFINITY;

/** Windows of one axis that lie outside the image altogether, and the padding that is left for the others. */
function overhang({ inSize, outSize, kernel, strides, before }: Geometry, axis: number) {
  const [size, stride, front] = [kernel[axis] ?? 1, strides[axis] ?? 1, before[axis] ?? 0];
  const lead = front < size ? 0 : Math.floor((front - size) / stride) + 1;
  const reached = Math.min(outSize[axis] ?? 1, Math.ceil(((inSize[axis] ?? 1) + front) / stride));
  const start = front - lead * stride; // negative: the first window that counts starts inside
  const end = (reached - lead - 1) * stride + size - (inSize[axis] ?? 1) - start;
  return { lead, trail: (outSize[axis] ?? 1) - reached, count: reached - lead, start, end: Math.max(end, 0) };
}

/** ONNX pooling of an image. ONNX Runtime takes no windows outside of it: those get the fill afterwards. */
function pooled(graph: Graph, op: "MaxPool" | "AveragePool", x: Sym, geometry: Geometry): Sym {
  const { batch, outChannels, kernel, strides } = geometry;
  const axes = kernel.map((_, axis) => overhang(geometry, axis));
  const image = plain(materialize(graph, float(graph, x), channelsFirstOrder(x.shape.length)));
  const cut = padded(graph, image, [NONE, NONE, ...axes.map(({ start }) => [Math.min(start, 0), 0] as const)]);
  const pads = [...axes.map(({ start }) => Math.max(start, 0)), ...axes.map(({ end }) => end)];
  const attributes = { kernel_shape: kernel, strides, pads };
  const shape = [batch, outChannels, ...axes.map(({ count }) => count)];
  const value = plain(graph.node(op, [cut.value], "float32", shape, attributes));
  const outside = axes.map(({ lead, trail }) => [lead, trail] as const);
  return padded(graph, value, [NONE, NONE, ...outside], op === "MaxPool" ? LOWEST : 0);
}

/** Windows of one place that keep the size: tfjs passes the image on, whatever strides and padding say. */
const passesOn = ({ kernel, inSize, outSize }: Geometry): boolean =>
  sizeOf(kernel) === 1 && String(inSize) === String(outSize);

function maxPool(graph: Graph, x: Sym, attributes: KernelAttributes): Sym {
  const geometry = poolingGeometry(x.shape, attributes);
  if (passesOn(geometry)) return x;
  return castTo(graph, asImage(pooled(graph, "MaxPool", x, geometry)), x.value.type);
}

/** Gradient of max pooling with any windows; of equal maxima the first takes it. */
export function maxPoolGradient(graph: Graph, dy: Sym, x: Sym, attributes: KernelAttributes): Sym {
  const geometry = poolingGeometry(x.shape, attributes);
  const candidates = seenByTap(graph, x, geometry, LOWEST);
  return gradientAtWinners(graph, dy, candidates, pooled(graph, "MaxPool", x, geometry), geometry);
}

/** Mean of each window over those of its places that lie in the image. */
function averagePool(graph: Graph, x: Sym, attributes: KernelAttributes): Sym {
  const geometry = poolingGeometry(x.shape, attributes);
  if (passesOn(geometry)) return x;
  return asImage(pooled(graph, "AveragePool", x, geometry));
}

/** Numbers of windows times the places that a window has, divided by those of them in the image. */
function perRealPlace(graph: Graph, windows: Sym, { inSize, outSize, kernel, strides, before }: Geometry): Sym {
  return kernel.reduce((x, size, axis) => {
    const weights = Array.from({ length: outSize[axis] ?? 1 }, (_, i) => {
      const start = i * (strides[axis] ?? 1) - (before[axis] ?? 0);
      return size / Math.max(1, Math.min(start + size, inSize[axis] ?? 1) - Math.max(start, 0));
    });
    if (weights.every((weight) => weight === 1)) return x;
    const shape = windows.shape.map((_, i) => (i === axis + 1 ? weights.length : 1));
    return elementwise(graph, "Mul", [x, plain(graph.constant(Float32Array.from(weights), shape))]);
  }, windows);
}

/**
 * Gradient of average pooling: each place gathers its share from the windows that see it, which is again a pooling, with
 * stride 1, of the gradient with zeros between its numbers. Windows that hang over the border have fewer places to share.
 */
function averagePoolGradient(graph: Graph, dy: Sym, x: Sym, attributes: KernelAttributes): Sym {
  const geometry = poolingGeometry(x.shape, attributes);
  const { inSize, kernel, before, after } = geometry;
  const shares = perRealPlace(graph, dy, geometry);
  const around = kernel.map((size, axis) => [size - 1 - (before[axis] ?? 0), size - 1 - (after[axis] ?? 0)] as const);
  const cut = around.map(([front, back]) => [Math.min(front, 0), Math.min(back, 0)] as const);
  const spread = padded(graph, plain(unstrided(graph, shares, geometry)), [NONE, NONE, ...cut]);
  const value = graph.node("AveragePool", [spread.value], "float32", [geometry.batch, geometry.inChannels, ...inSize], {
    kernel_shape: kernel,
    strides: kernel.map(() => 1),
    pads: [0, 1].flatMap((side) => around.map((sizes) => Math.max(sizes[side] ?? 0, 0))),
    count_include_pad: 1,
  });
  return asImage(plain(value));
}

/** Max pooling and where each maximum stands: `(row · width + column) · channels + channel`, of the whole batch if asked. */
const maxPoolWithArgmax: TraceKernel = (graph, inputs, attributes) => {
  const x = input(inputs, "x");
  if (x.shape.length !== 4) throw new ShapeError(`maxPoolWithArgmax: x must have rank 4, got ${showShape(x.shape)}.`);
  const geometry = poolingGeometry(x.shape, attributes);
  const real = choose(graph, compare(graph, "Equal", x, x), x, scalar(graph, LOWEST)); // not-a-number is never the largest
  const maxima = pooled(graph, "MaxPool", real, geometry);
  const candidates = seenByTap(graph, real, geometry, LOWEST);
  const { inChannels, inSize, outSize, strides, before, batch } = geometry;
  const [height = 1, width = 1] = inSize;
  const whole = (number: number): Sym => scalar(graph, number, "int32");
  const plus = (a: Sym, b: Sym): Sym => elementwise(graph, "Add", [a, b]);
  const times = (a: Sym, number: number): Sym => elementwise(graph, "Mul", [a, whole(number)]);
  const starts = (axis: number): Sym => {
    const steps = times(places(graph, outSize[axis] ?? 1, axis + 2, 4, "int32"), strides[axis] ?? 1);
    return plus(steps, whole(-(before[axis] ?? 0)));
  };
  const start = plus(times(starts(0), width), starts(1));
  const inWindow = winners(graph, candidates, maxima).reduce((place, wins, i) => {
    const [row = 0, column = 0] = taps(geometry)[i] ?? [];
    return choose(graph, wins, whole(row * width + column), place);
  }, whole(0));
  const channel = places(graph, inChannels, 1, 4, "int32");
  const place = plus(times(plus(start, inWindow), inChannels), channel);
  const item = times(places(graph, batch, 0, 4, "int32"), height * width * inChannels);
  const found = attributes.includeBatchInIndex ? plus(place, item) : place;
  return [asImage(maxima), asImage(plain(materialize(graph, found)))];
};

/** Kernels of 2-D pooling, of average pooling in 3-D, and their gradients. */
export const POOLING_2D_KERNELS: KernelTable = {
  MaxPool: (graph, inputs, attributes) => maxPool(graph, input(inputs, "x"), attributes),
  MaxPoolGrad: (graph, inputs, attributes) =>
    maxPoolGradient(graph, input(inputs, "dy"), input(inputs, "input"), attributes),
  MaxPoolWithArgmax: maxPoolWithArgmax,
  AvgPool: (graph, inputs, attributes) => averagePool(graph, input(inputs, "x"), attributes),
  AvgPoolGrad: (graph, inputs, attributes) =>
    averagePoolGradient(graph, input(inputs, "dy"), input(inputs, "input"), attributes),
  AvgPool3D: (graph, inputs, attributes) => averagePool(graph, input(inputs, "x"), attributes),
  AvgPool3DGrad: (graph, inputs, attributes) =>
    averagePoolGradient(graph, input(inputs, "dy"), input(inputs, "input"), attributes),
};
