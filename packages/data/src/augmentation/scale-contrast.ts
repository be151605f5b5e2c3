import { intensityRange } from "./intensity-range.js";

/** Multiplies the differences to the mean, and clips to the values that were there. nnU-Net's `ContrastTransform` with `preserve_range`. */
export function scaleContrast(image: Float32Array, factor: number): Float32Array {
  if (factor === 1) return image.slice();
  const { low, high, mean } = intensityRange(image);
  const scaled = new Float32Array(image.length);
  for (let i = 0; i < image.length; i++)
    scaled[i] = Math.min(Math.max(mean + ((image[i] as number) - mean) * factor, low), high);
  return scaled;
}
