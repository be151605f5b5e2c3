import { type Tensor, tensor } from "@tensorflow/tfjs-core";
import type { GoldenArray } from "./golden.js";

/** A golden array `[batch, class, ...spatial]` as a float32 tensor `[batch, ...spatial, class]`. */
export function channelsLast({ shape, data }: GoldenArray): Tensor {
  const [batch = 1, channels = 1, ...spatial] = shape;
  const voxels = spatial.reduce((product, size) => product * size, 1);
  const values = new Float32Array(data.length);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let v = 0; v < voxels; v++)
        values[(n * voxels + v) * channels + c] = Number(data[(n * channels + c) * voxels + v]);
  return tensor(values, [batch, ...spatial, channels]);
}

/** The values of `[batch, ...spatial, class]` in `[batch, class, ...spatial]` order, as golden arrays hold them. */
export function channelsFirst(shape: readonly number[], values: ArrayLike<number>): Float32Array {
  const [batch = 1, ...rest] = shape;
  const channels = rest.at(-1) ?? 1;
  const voxels = rest.slice(0, -1).reduce((product, size) => product * size, 1);
  const reordered = new Float32Array(values.length);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let v = 0; v < voxels; v++)
        reordered[(n * channels + c) * voxels + v] = values[(n * voxels + v) * channels + c] ?? Number.NaN;
  return reordered;
}
