import { backend_util } from "@tensorflow/tfjs-core";
import type { Graph } from "../graph.js";
import { plain, reshaped, type Sym, transposed } from "../symbol.js";
import { castTo, choose, compare, elementwise, float, not, scalar } from "./elementwise.js";
import { gather } from "./indexing.js";
import { input, type KernelTable, type TraceKernel } from "./kernel.js";
import { matMul } from "./matmul.js";
import { places } from "./scan.js";
import { gathered, sliceAxis } from "./shaping.js";

/** Arithmetic on symbols and numbers, written shortly. */
const arithmetic = (graph: Graph) => {
  const symbol = (x: Sym | number): Sym => (typeof x === "number" ? scalar(graph, x) : x);
  const binary =
    (op: string) =>
    (a: Sym | number, b: Sym | number): Sym =>
      elementwise(graph, op, [symbol(a), symbol(b)]);
  const ordered =
    (op: string) =>
    (a: Sym | number, b: Sym | number): Sym =>
      compare(graph, op, symbol(a), symbol(b));
  return {
    plus: binary("Add"),
    minus: binary("Sub"),
    times: binary("Mul"),
    over: binary("Div"),
    below: ordered("Less"),
    above: ordered("Greater"),
    same: ordered("Equal"),
    floor: (x: Sym): Sym => elementwise(graph, "Floor", [x]),
    both: (a: Sym, b: Sym): Sym => elementwise(graph, "And", [a, b], "bool"),
    pick: (condition: Sym, yes: Sym | number, no: Sym | number): Sym =>
      choose(graph, condition, symbol(yes), symbol(no)),
    clamp: (x: Sym, high: number): Sym =>
      elementwise(graph, "Min", [elementwise(graph, "Max", [x, scalar(graph, 0)]), scalar(graph, high)]),
  };
};

/** Where the pixels of each crop lie along an axis of the picture, `[boxes, pixels]`. */
function cropPlaces(graph: Graph, boxes: Sym, first: number, size: number, pixels: number): Sym {
  const { plus, minus, times } = arithmetic(graph);
  const [low, high] = [sliceAxis(graph, boxes, 1, first, 1), sliceAxis(graph, boxes, 1, first + 2, 1)];
  if (pixels === 1) return times(plus(low, high), 0.5 * (size - 1));
  const step = times(minus(high, low), (size - 1) / (pixels - 1));
  return plus(times(low, size - 1), times(places(graph, pixels, 1, 2, "float32"), step));
}

/** Weights of the pixels of the picture for each pixel of a crop, `[boxes, pixels, size]`. */
function cropWeights(graph: Graph, at: Sym, size: number, method: unknown): Sym {
  const { plus, minus, same, floor } = arithmetic(graph);
  const column = reshaped(graph, at, [...at.shape, 1]);
  const pixels = places(graph, size, 2, 3, "float32");
  if (method === "nearest") return float(graph, same(floor(plus(column, 0.5)), pixels));
  const distance = elementwise(graph, "Abs", [minus(column, pixels)]);
  return elementwise(graph, "Relu", [minus(1, distance)]); // 1 at the pixel, 0 at its neighbors
}

const cropAndResize: TraceKernel = (graph, inputs, { cropSize, method, extrapolationValue }) => {
  const { both, above, below } = arithmetic(graph);
  const [image, boxes, boxInd] = [input(inputs, "image"), input(inputs, "boxes"), input(inputs, "boxInd")];
  const [, height = 1, width = 1, channels = 1] = image.shape;
  const [tall, wide] = cropSize as [number, number];
  const count = boxes.shape[0] ?? 0;
  const [ys, xs] = [cropPlaces(graph, boxes, 0, height, tall), cropPlaces(graph, boxes, 1, width, wide)];
  const chosen = takeRows(graph, image, boxInd, [count, height, width * channels]);
  const rows = matMul(graph, cropWeights(graph, ys, height, method), chosen); // [box, tall, width · channel]
  const across = transposed(reshaped(graph, rows, [count, tall, width, channels]), [0, 2, 1, 3]);
  const columns = reshaped(graph, across, [count, width, tall * channels]);
  const crops = matMul(graph, cropWeights(graph, xs, width, method), columns); // [box, wide, tall · channel]
  const result = transposed(reshaped(graph, crops, [count, wide, tall, channels]), [0, 2, 1, 3]);
  const inside = (at: Sym, size: number): Sym => both(not(graph, below(at, 0)), not(graph, above(at, size - 1)));
  const seen = both(
    reshaped(graph, inside(ys, height), [count, tall, 1, 1]),
    reshaped(graph, inside(xs, width), [count, 1, wide, 1]),
  );
  return choose(graph, seen, result, scalar(graph, extrapolationValue as number));
};

/** The items of the first axis at some places, in another shape. */
function takeRows(graph: Graph, x: Sym, indices: Sym, shape: readonly number[]): Sym {
  const [count = 1, ...item] = x.shape;
  const rows = reshaped(graph, float(graph, x), [count, item.reduce((total, size) => total * size, 1)]);
  return reshaped(graph, gather(graph, rows, indices, 0), shape);
}

/** Turns pictures by a known angle: each pixel takes that of a known place, or the fill. */
const rotateWithOffset: TraceKernel = (graph, inputs, { radians, fillValue, center }) => {
  const image = input(inputs, "image");
  const [batch = 1, height = 1, width = 1, channels = 1] = image.shape;
  const [centerX, centerY] = backend_util.getImageCenter(center as number | [number, number], height, width);
  const [sine, cosine] = [Math.sin(radians as number), Math.cos(radians as number)];
  const from = Array.from({ length: height * width }, (_, place) => {
    const [x, y] = [(place % width) - centerX, Math.floor(place / width) - centerY];
    const column = Math.round(x * cosine - y * sine + centerX);
    const row = Math.round(x * sine + y * cosine + centerY);
    return column >= 0 && column < width && row >= 0 && row < height ? row * width + column : -1;
  });
  const pixels = reshaped(graph, image, [batch, height * width, channels]);
  const moved = gathered(
    graph,
    pixels,
    from.map((place) => Math.max(place, 0)),
    1,
  );
  const inside = plain(
    graph.constant(
      Uint8Array.from(from, (place) => Number(place >= 0)),
      [1, height * width, 1],
    ),
  );
  const fills = Array.from({ length: channels }, (_, channel) =>
    typeof fillValue === "number" ? fillValue : channel === 3 ? 255 : ((fillValue as number[])[channel] ?? 0),
  );
  const fill = castTo(graph, plain(graph.constant(Float32Array.from(fills), [1, 1, channels])), image.value.type);
  return reshaped(graph, choose(graph, inside, moved, fill), image.shape);
};

/** Brings a place outside a picture's axis back into it, as tfjs does in each of its modes. */
function mappedPlace(graph: Graph, at: Sym, size: number, mode: unknown): Sym {
  const { plus, minus, times, over, below, above, floor, pick, clamp } = arithmetic(graph);
  if (mode === "nearest") return clamp(at, size - 1);
  if (mode === "reflect") {
    const period = 2 * size;
    const turned = minus(times(floor(over(minus(0, at), period)), period), minus(0, at));
    const low = pick(below(turned, -size), plus(turned, period), minus(minus(0, turned), 1));
    const folded = minus(at, times(floor(over(at, period)), period));
    const high = pick(below(folded, size), folded, minus(period - 1, folded));
    return clamp(size <= 1 ? times(at, 0) : pick(below(at, 0), low, pick(above(at, size - 1), high, at)), size - 1);
  }
  if (mode === "wrap") {
    const low = plus(at, times(plus(floor(over(minus(0, at), size - 1)), 1), size));
    const high = minus(at, times(floor(over(at, size - 1)), size));
    return clamp(size <= 1 ? times(at, 0) : pick(below(at, 0), low, pick(above(at, size - 1), high, at)), size - 1);
  }
  return at;
}

/** Projective transforms of pictures: each pixel takes the number at the place that eight numbers map it to. */
const transform: TraceKernel = (graph, inputs, attributes) => {
  const { plus, minus, times, over, same, floor, pick } = arithmetic(graph);
  const { interpolation, fillMode, fillValue, outputShape } = attributes;
  const [image, transforms] = [input(inputs, "image"), input(inputs, "transforms")];
  const [batch = 1, height = 1, width = 1, channels = 1] = image.shape;
  const [tall, wide] = (outputShape ?? [height, width]) as [number, number];
  const part = (i: number): Sym => sliceAxis(graph, transforms, 1, i, 1); // [batch or 1, 1]
  const flat = tall * wide;
  const column = (i: (place: number) => number): Sym =>
    plain(
      graph.constant(
        Float32Array.from({ length: flat }, (_, place) => i(place)),
        [1, flat],
      ),
    );
  const [x, y] = [column((place) => place % wide), column((place) => Math.floor(place / wide))];
  const linear = (a: number, b: number): Sym => plus(times(part(a), x), times(part(b), y));
  const depth = plus(linear(6, 7), 1);
  const safe = pick(same(depth, 0), 1, depth);
  const [inX, inY] = [over(plus(linear(0, 1), part(2)), safe), over(plus(linear(3, 4), part(5)), safe)];
  const [atX, atY] = [mappedPlace(graph, inX, width, fillMode), mappedPlace(graph, inY, height, fillMode)];
  const fill = scalar(graph, fillValue as number);
  const rows = reshaped(graph, float(graph, image), [batch * height * width, channels]);
  const first = times(places(graph, batch, 0, 2, "float32"), height * width);
  const read = (row: Sym, line: Sym): Sym => {
    const { both, below, above, clamp } = arithmetic(graph);
    const inside = (v: Sym, size: number): Sym => both(not(graph, below(v, 0)), not(graph, above(v, size - 1)));
    const place = plus(plus(times(clamp(row, height - 1), width), clamp(line, width - 1)), first);
    const found = gather(graph, rows, castTo(graph, reshaped(graph, place, [batch * flat]), "int32"), 0);
    const seen = elementwise(graph, "And", [inside(row, height), inside(line, width)], "bool");
    const full = { ...seen, shape: [batch, flat] };
    return choose(
      graph,
      reshaped(graph, full, [batch, flat, 1]),
      reshaped(graph, found, [batch, flat, channels]),
      fill,
    );
  };
  const weight = (v: Sym): Sym => reshaped(graph, { ...v, shape: [v.shape[0] ?? 1, flat] }, [v.shape[0] ?? 1, flat, 1]);
  const sampled = (): Sym => {
    if (interpolation === "nearest") return read(floor(plus(atY, 0.5)), floor(plus(atX, 0.5)));
    const [top, left] = [floor(atY), floor(atX)];
    const [down, right] = [weight(minus(atY, top)), weight(minus(atX, left))];
    const line = (row: Sym): Sym =>
      plus(times(minus(1, right), read(row, left)), times(right, read(row, plus(left, 1))));
    return plus(times(minus(1, down), line(top)), times(down, line(plus(top, 1))));
  };
  const result = choose(graph, weight(same(depth, 0)), fill, sampled());
  return castTo(graph, reshaped(graph, result, [batch, tall, wide, channels]), image.value.type);
};

/** Kernels that read pictures at places between their pixels. */
export const IMAGE_SAMPLING_KERNELS: KernelTable = {
  CropAndResize: cropAndResize,
  RotateWithOffset: rotateWithOffset,
  Transform: transform,
};
