import { type Shape, sizeOf } from "@plseg/core";
import { backend_util, gather_util } from "@tensorflow/tfjs-core";
import type { ElementType, Graph, Value } from "../graph.js";
import { materialize, PLANES_ORDER, plain, reshaped, reshapeValue, type Sym, transposed } from "../symbol.js";
import { castTo, choose, compare, elementwise, scalar, uniform } from "./elementwise.js";
import { fromFront, input, type KernelTable, tensorLike } from "./kernel.js";
import { places } from "./scan.js";
import { sliceAxis } from "./shaping.js";

/** Whole numbers as the 64-bit ones that ONNX wants for places. Known ones are converted here: the GPU does not. */
function indices64(graph: Graph, indices: Sym): Value {
  const ordered = materialize(graph, indices);
  if (ordered.constant)
    return graph.constant(BigInt64Array.from(Array.from(ordered.constant, Number), BigInt), ordered.shape);
  return castTo(graph, plain(ordered), "int64").value;
}

/** `Gather` along an axis; each index may itself be a tensor. */
export function gather(graph: Graph, x: Sym, indices: Sym, axis: number): Sym {
  const value = materialize(graph, x);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return plain(graph.node("Gather", [value, materialize(graph, indices)], value.type, shape, { axis }));
}

/** `Gather` where the first `batch` axes of both operands go together: the items laid end to end, and indices moved on. */
function gatherInBatches(graph: Graph, x: Sym, indices: Sym, axis: number, batch: number): Sym {
  const [items, outer] = [x.shape.slice(0, batch), x.shape.slice(batch, axis)];
  const [count, inner] = [x.shape[axis] ?? 1, x.shape.slice(axis + 1)];
  const each = indices.shape.slice(batch);
  const [total, outside, inside] = [sizeOf(items), sizeOf(outer), sizeOf(inner)];
  const along = transposed(reshaped(graph, x, [total, outside, count, inside]), [0, 2, 1, 3]);
  const rows = reshaped(graph, along, [total * count, outside * inside]);
  const start = elementwise(graph, "Mul", [places(graph, total, 0, 2, "int32"), scalar(graph, count, "int32")]);
  const moved = elementwise(graph, "Add", [reshaped(graph, indices, [total, sizeOf(each)]), start]);
  const taken = reshaped(graph, gather(graph, rows, moved, 0), [total, sizeOf(each), outside, inside]);
  return reshaped(graph, transposed(taken, [0, 2, 1, 3]), [...items, ...outer, ...each, ...inner]);
}

/** `updates` written (or added) into `x` at `indices`, whose last axis holds the coordinates. */
function scattered(graph: Graph, x: Sym, indices: Sym, updates: Sym, reduction: "none" | "add"): Sym {
  const inputs = [materialize(graph, x), indices64(graph, indices), materialize(graph, updates)];
  const attributes = reduction === "none" ? {} : { reduction };
  return plain(graph.node("ScatterND", inputs, x.value.type, x.shape, attributes));
}

/** Indices and updates in the shapes that ONNX wants: `[count, coordinates]` and `[count, ...rest]`. */
function scatterOperands(graph: Graph, indices: Sym, updates: Sym, shape: Shape): { at: Sym; values: Sym } {
  const flat = indices.shape.length < 2;
  const depth = flat ? 1 : (indices.shape.at(-1) ?? 1);
  const count = flat ? sizeOf(indices.shape) : sizeOf(indices.shape.slice(0, -1));
  const rest = shape.slice(depth);
  const values =
    updates.shape.length === 0
      ? { ...reshaped(graph, updates, [1, ...rest.map(() => 1)]), shape: [count, ...rest] }
      : reshaped(graph, updates, [count, ...rest]);
  return { at: reshaped(graph, indices, [count, depth]), values };
}

/** Kernels that look up and write at places that tensors give. */
export const INDEXING_KERNELS: KernelTable = {
  GatherV2: (graph, inputs, { axis, batchDims }) => {
    const [x, indices] = [input(inputs, "x"), input(inputs, "indices")];
    const at = fromFront(axis as number, x.shape.length);
    const batch = fromFront((batchDims ?? 0) as number, indices.shape.length);
    backend_util.segment_util.collectGatherOpShapeInfo(tensorLike(x) as never, tensorLike(indices) as never, at, batch);
    return batch === 0 ? gather(graph, x, indices, at) : gatherInBatches(graph, x, indices, at, batch);
  },
  GatherNd: (graph, inputs) => {
    const [x, indices] = [input(inputs, "params"), input(inputs, "indices")];
    gather_util.prepareAndValidate(tensorLike(x) as never, tensorLike(indices) as never);
    const depth = indices.shape.at(-1) ?? 0;
    const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(depth)];
    const value = materialize(graph, x);
    return plain(graph.node("GatherND", [value, indices64(graph, indices)], value.type, shape));
  },
  ScatterNd: (graph, inputs, { shape }) => {
    const [indices, updates] = [input(inputs, "indices"), input(inputs, "updates")];
    const { at, values } = scatterOperands(graph, indices, updates, shape as number[]);
    return scattered(graph, uniform(graph, 0, updates.value.type, shape as number[]), at, values, "add");
  },
  TensorScatterUpdate: (graph, inputs) => {
    const [x, indices, updates] = [input(inputs, "tensor"), input(inputs, "indices"), input(inputs, "updates")];
    const { at, values } = scatterOperands(graph, indices, updates, x.shape);
    return scattered(graph, x, at, values, "none");
  },
  SparseToDense: (graph, inputs, { outputShape }) => {
    const [indices, updates] = [input(inputs, "sparseIndices"), input(inputs, "sparseValues")];
    const shape = outputShape as number[];
    const start = {
      ...reshaped(
        graph,
        input(inputs, "defaultValue"),
        shape.map(() => 1),
      ),
      shape,
    };
    const { at, values } = scatterOperands(graph, indices, updates, shape);
    return scattered(graph, start, at, values, "none");
  },
  // rows whose segment does not exist go to one more row, which is cut off
  UnsortedSegmentSum: (graph, inputs, { numSegments }) => {
    const [x, segments] = [input(inputs, "x"), input(inputs, "segmentIds")];
    const count = numSegments as number;
    const ids = castTo(graph, segments, "int32");
    const last = scalar(graph, count, "int32");
    const low = compare(graph, "Less", ids, scalar(graph, 0, "int32"));
    const high = compare(graph, "Greater", ids, last);
    const safe = choose(graph, elementwise(graph, "Or", [low, high], "bool"), last, ids);
    const shape = [count + 1, ...x.shape.slice(segments.shape.length)];
    const { at, values } = scatterOperands(graph, reshaped(graph, safe, [sizeOf(segments.shape), 1]), x, shape);
    const sums = scattered(graph, uniform(graph, 0, x.value.type, shape), at, values, "add");
    return sliceAxis(graph, sums, 0, 0, count);
  },
  OneHot: (graph, inputs, { depth, onValue, offValue, dtype }) => {
    const indices = input(inputs, "indices");
    const rank = indices.shape.length;
    const type = ((dtype as string | undefined) ?? "float32") as ElementType;
    // the classes where convolutions have their channels
    const at = rank === 4 && graph.target === "cpu" ? PLANES_ORDER.indexOf(4) : Math.min(rank, 1);
    const column: Sym = {
      shape: [...indices.shape, 1],
      value: reshapeValue(graph, indices.value, indices.value.shape.toSpliced(at, 0, 1)),
      order: indices.order.toSpliced(at, 0, rank),
    };
    // ONNX's own OneHot counts negative indices from the end, and is missing on WebGPU
    const hit = compare(graph, "Equal", column, places(graph, depth as number, rank, rank + 1, "int32"));
    if (onValue === 1 && offValue === 0) return castTo(graph, hit, type);
    return choose(graph, hit, scalar(graph, onValue as number, type), scalar(graph, offValue as number, type));
  },
};
