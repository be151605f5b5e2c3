import { backend_util } from "@tensorflow/tfjs-core";
import type { Graph } from "../graph.js";
import { channelsFirstOrder, materialize, plain, type Sym } from "../symbol.js";
import { unstrided } from "./convolution.js";
import { choose, compare, elementwise, not, scalar } from "./elementwise.js";
import type { Geometry } from "./geometry.js";
import type { KernelAttributes } from "./kernel.js";
import { padded, strided } from "./shaping.js";

/** The windows that a 2-D or 3-D pooling looks at. */
export function poolingGeometry(shape: readonly number[], attributes: KernelAttributes): Geometry {
  const { filterSize, strides, pad, dimRoundingMode } = attributes;
  const how = [filterSize, strides, 1, pad, dimRoundingMode] as [number, number, 1, "same", "floor"];
  if (shape.length === 5) {
    const info = backend_util.computePool3DInfo(shape as [number, number, number, number, number], ...how);
    const { front, back, top, bottom, left, right } = info.padInfo;
    return fitted({
      batch: info.batchSize,
      inChannels: info.inChannels,
      outChannels: info.outChannels,
      inSize: [info.inDepth, info.inHeight, info.inWidth],
      outSize: [info.outDepth, info.outHeight, info.outWidth],
      kernel: [info.filterDepth, info.filterHeight, info.filterWidth],
      strides: [info.strideDepth, info.strideHeight, info.strideWidth],
      dilations: [1, 1, 1],
      before: [front, top, left],
      after: [back, bottom, right],
    });
  }
  return planeGeometry(backend_util.computePool2DInfo(shape as [number, number, number, number], ...how));
}

/** The windows of a 2-D operation as tfjs describes them. */
export function planeGeometry(info: ReturnType<typeof backend_util.computeConv2DInfo>): Geometry {
  const { top, bottom, left, right } = info.padInfo;
  return fitted({
    batch: info.batchSize,
    inChannels: info.inChannels,
    outChannels: info.outChannels,
    inSize: [info.inHeight, info.inWidth],
    outSize: [info.outHeight, info.outWidth],
    kernel: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    before: [top, left],
    after: [bottom, right],
  });
}

/** With as much padding behind as the last window needs: more than told where tfjs rounds its size up. */
function fitted(geometry: Geometry): Geometry {
  const { inSize, outSize, kernel, strides, dilations, before, after } = geometry;
  const needed = after.map((size, axis) => {
    const last = ((outSize[axis] ?? 1) - 1) * (strides[axis] ?? 1) + ((kernel[axis] ?? 1) - 1) * (dilations[axis] ?? 1);
    return Math.max(size, last + 1 - (inSize[axis] ?? 1) - (before[axis] ?? 0));
  });
  return { ...geometry, after: needed };
}

/** The places in a window, last axis fastest. */
export function taps({ kernel }: Geometry): number[][] {
  return kernel.reduce<number[][]>(
    (all, size) => all.flatMap((tap) => Array.from({ length: size }, (_, i) => [...tap, i])),
    [[]],
  );
}

/** What each window has at each of its places, channels first: one tensor of the size of the result for each place. */
export function seenByTap(graph: Graph, x: Sym, geometry: Geometry, fill: number): Sym[] {
  const { outSize, strides, dilations, before, after } = geometry;
  const image = plain(materialize(graph, x, channelsFirstOrder(x.shape.length)));
  const around = before.map((size, axis): [number, number] => [size, after[axis] ?? 0]);
  const wide = padded(graph, image, [[0, 0], [0, 0], ...around], fill);
  return taps(geometry).map((tap) =>
    strided(
      graph,
      wide,
      tap.map((place, axis) => ({
        axis: axis + 2,
        start: place * (dilations[axis] ?? 1),
        step: strides[axis] ?? 1,
        size: outSize[axis] ?? 1,
      })),
    ),
  );
}

/** The opposite way: numbers of each window, channels first, put back at one of its places in an image of zeros. */
function placedAtTap(graph: Graph, v: Sym, geometry: Geometry, tap: readonly number[]): Sym {
  const { kernel, dilations, before, after } = geometry;
  const last = channelsFirstOrder(v.shape.length);
  const channelsLast: Sym = { shape: channelsLastShape(v.shape), value: v.value, order: last };
  const spread = plain(unstrided(graph, channelsLast, geometry));
  const around = tap.map((place, axis): [number, number] => {
    const dilation = dilations[axis] ?? 1;
    return [place * dilation - (before[axis] ?? 0), ((kernel[axis] ?? 1) - 1 - place) * dilation - (after[axis] ?? 0)];
  });
  return padded(graph, spread, [[0, 0], [0, 0], ...around]);
}

/** For each candidate whether it is the first of the largest. */
export function winners(graph: Graph, candidates: readonly Sym[], largest: Sym): Sym[] {
  let taken: Sym | undefined;
  return candidates.map((candidate) => {
    const equal = compare(graph, "Equal", candidate, largest);
    const wins = taken ? elementwise(graph, "And", [equal, not(graph, taken)], "bool") : equal;
    taken = taken ? elementwise(graph, "Or", [equal, taken], "bool") : equal;
    return wins;
  });
}

/** The gradient of each window put where its largest number stands, channels last again. */
export function gradientAtWinners(
  graph: Graph,
  dy: Sym,
  candidates: readonly Sym[],
  largest: Sym,
  geometry: Geometry,
): Sym {
  const upstream = plain(materialize(graph, dy, channelsFirstOrder(dy.shape.length)));
  const places = taps(geometry);
  const parts = winners(graph, candidates, largest).map((wins, i) =>
    placedAtTap(graph, choose(graph, wins, upstream, scalar(graph, 0)), geometry, places[i] ?? []),
  );
  return asImage(parts.length === 1 && parts[0] ? parts[0] : elementwise(graph, "Sum", parts));
}

const channelsLastShape = ([batch = 1, channels = 1, ...sizes]: readonly number[]): number[] => [
  batch,
  ...sizes,
  channels,
];

/** A channels-first tensor as tfjs sees it. */
export const asImage = ({ value }: Sym): Sym => ({
  shape: channelsLastShape(value.shape),
  value,
  order: channelsFirstOrder(value.shape.length),
});
