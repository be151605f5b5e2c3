import { intensityRange } from "./intensity-range.js";

/** Pieces of the curve, each taken for a line: off by at most 0.0005 of the range, at its dark end. */
const PIECES = 4096;

/**
 * Raises the values, as parts of the way from the smallest to the largest, to a power, and restores mean and standard
 * deviation. `inverted` does so with the image upside down, which stretches the bright values instead of the dark ones.
 * nnU-Net's `GammaTransform` with `retain_stats`.
 */
export function adjustGamma(image: Float32Array, exponent: number, inverted: boolean): Float32Array {
  const { low, high, mean, deviation } = intensityRange(image);
  if (exponent === 1 || high === low) return image.slice();
  const curve = Float64Array.from({ length: PIECES + 2 }, (_, i) =>
    inverted ? 1 - Math.max(0, 1 - i / PIECES) ** exponent : (i / PIECES) ** exponent,
  );
  const powered = new Float32Array(image.length);
  const perValue = PIECES / (high - low);
  for (let i = 0; i < image.length; i++) {
    const place = ((image[i] as number) - low) * perValue;
    const piece = Math.floor(place);
    const start = curve[piece] as number;
    powered[i] = start + (place - piece) * ((curve[piece + 1] as number) - start);
  }
  const after = intensityRange(powered);
  const factor = deviation / after.deviation;
  for (let i = 0; i < powered.length; i++) powered[i] = mean + ((powered[i] as number) - after.mean) * factor;
  return powered;
}
