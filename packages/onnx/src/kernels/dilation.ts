import { backend_util } from "@tensorflow/tfjs-core";
import type { Graph } from "../graph.js";
import { channelsFirstOrder, materialize, plain, reshaped, type Sym } from "../symbol.js";
import { choose, elementwise, scalar } from "./elementwise.js";
import type { Geometry } from "./geometry.js";
import { input, type KernelAttributes, type KernelTable } from "./kernel.js";
import { reduceSum } from "./reduction.js";
import { concatenated, sliceAxis } from "./shaping.js";
import { asImage, gradientAtWinners, planeGeometry, seenByTap, taps, winners } from "./windows.js";

/** What each place of each window offers: the image there plus the filter's number, channels first. */
function offers(
  graph: Graph,
  inputs: Readonly<Record<string, Sym>>,
  { strides, pad, dilations }: KernelAttributes,
): { candidates: Sym[]; largest: Sym; geometry: Geometry } {
  const [x, filter] = [input(inputs, "x"), input(inputs, "filter")];
  const info = backend_util.computeDilation2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number],
    strides as number,
    pad as "same",
    "NHWC",
    dilations as number,
  );
  const geometry = planeGeometry(info);
  const channels = geometry.inChannels;
  const weights = reshaped(graph, filter, [taps(geometry).length, channels]);
  const candidates = seenByTap(graph, x, geometry, Number.NEGATIVE_INFINITY).map((seen, tap) =>
    elementwise(graph, "Add", [seen, reshaped(graph, sliceAxis(graph, weights, 0, tap, 1), [1, channels, 1, 1])]),
  );
  const largest = candidates.length === 1 && candidates[0] ? candidates[0] : elementwise(graph, "Max", candidates);
  return { candidates, largest, geometry };
}

/** Kernels of grayscale dilation, the largest of image plus filter in a window, and its gradients. */
export const DILATION_KERNELS: KernelTable = {
  Dilation2D: (graph, inputs, attributes) => asImage(plainOrder(graph, offers(graph, inputs, attributes).largest)),
  Dilation2DBackpropInput: (graph, inputs, attributes) => {
    const { candidates, largest, geometry } = offers(graph, inputs, attributes);
    return gradientAtWinners(graph, input(inputs, "dy"), candidates, largest, geometry);
  },
  Dilation2DBackpropFilter: (graph, inputs, attributes) => {
    const { candidates, largest, geometry } = offers(graph, inputs, attributes);
    const upstream = plain(materialize(graph, input(inputs, "dy"), channelsFirstOrder(4)));
    const sums = winners(graph, candidates, largest).map((wins) =>
      reduceSum(graph, choose(graph, wins, upstream, scalar(graph, 0)), [0, 2, 3]),
    );
    return reshaped(graph, concatenated(graph, sums, 0), [...geometry.kernel, geometry.inChannels]);
  },
};

const plainOrder = (graph: Graph, x: Sym): Sym => plain(materialize(graph, x));
