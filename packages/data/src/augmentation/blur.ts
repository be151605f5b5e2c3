import type { Size3D } from "@plseg/core";

/**
 * Gaussian blur of `sigma` voxels along each axis, one axis after the other, up to three standard deviations; beyond the
 * border its voxels repeat. Agrees with SciPy's `gaussian_filter(mode="nearest", truncate=3)`.
 */
export function blur(image: Float32Array, shape: Size3D, sigma: number): Float32Array {
  const radius = Math.floor(3 * sigma + 0.5);
  if (radius === 0) return image.slice();
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-0.5 * ((i - radius) / sigma) ** 2));
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  const weights = kernel.map((weight) => weight / sum);
  const [depth, height, width] = shape;
  const alongDepth = convolve(image, 1, depth, height * width, weights);
  return convolve(convolve(alongDepth, depth, height, width, weights), depth * height, width, 1, weights);
}

/** Along the middle axis of [outer, length, inner]. */
function convolve(
  values: Float32Array,
  outer: number,
  length: number,
  inner: number,
  weights: Float64Array,
): Float32Array {
  const radius = weights.length >> 1;
  const out = new Float32Array(values.length);
  if (inner === 1) {
    const padded = new Float32Array(length + 2 * radius);
    for (let o = 0; o < outer; o++) {
      const row = o * length;
      padded.fill(values[row] as number, 0, radius);
      padded.set(values.subarray(row, row + length), radius);
      padded.fill(values[row + length - 1] as number, radius + length);
      for (let i = 0; i < length; i++) {
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++) sum += (weights[tap] as number) * (padded[i + tap] as number);
        out[row + i] = sum;
      }
    }
    return out;
  }
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < length; i++) {
      const to = (o * length + i) * inner;
      for (let tap = 0; tap < weights.length; tap++) {
        const from = (o * length + Math.min(Math.max(i + tap - radius, 0), length - 1)) * inner;
        const weight = weights[tap] as number;
        for (let n = 0; n < inner; n++) out[to + n] = (out[to + n] as number) + weight * (values[from + n] as number);
      }
    }
  return out;
}
