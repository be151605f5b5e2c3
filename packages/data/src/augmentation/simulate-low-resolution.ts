import type { Size3D } from "@plseg/core";

/**
 * Takes voxels from a grid coarser by `zoom` (at most 1) along each axis, each the nearest, and interpolates linearly back.
 * nnU-Net's `SimulateLowResolutionTransform`, which interpolates with cubics.
 */
export function simulateLowResolution(image: Float32Array, shape: Size3D, zoom: Size3D): Float32Array {
  const [depth, height, width] = shape;
  const alongDepth = coarsen(image, 1, depth, height * width, zoom[0]);
  return coarsen(coarsen(alongDepth, depth, height, width, zoom[1]), depth * height, width, 1, zoom[2]);
}

/** Along the middle axis of [outer, length, inner]. Nearest and linear sampling act on each axis by itself. */
function coarsen(values: Float32Array, outer: number, length: number, inner: number, zoom: number): Float32Array {
  const coarse = Math.max(1, Math.round(length * zoom));
  if (coarse >= length) return values;
  const step = length / coarse;
  const nearest = (c: number): number =>
    Math.min(Math.floor((Math.min(Math.max(c, 0), coarse - 1) + 0.5) * step), length - 1);
  const first = new Uint32Array(length);
  const second = new Uint32Array(length);
  const part = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const place = (i + 0.5) / step - 0.5;
    first[i] = nearest(Math.floor(place));
    second[i] = nearest(Math.floor(place) + 1);
    part[i] = place - Math.floor(place);
  }
  const out = new Float32Array(values.length);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < length; i++) {
      const a = (o * length + (first[i] as number)) * inner;
      const b = (o * length + (second[i] as number)) * inner;
      const t = part[i] as number;
      const to = (o * length + i) * inner;
      for (let n = 0; n < inner; n++) out[to + n] = (values[a + n] as number) * (1 - t) + (values[b + n] as number) * t;
    }
  return out;
}
