import { ConfigError } from "./errors.js";

/** Red, green and blue, each 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number];

/** Chosen to be told apart on gray, also by neighbors in the list. The background comes first. */
const PALETTE: readonly Color[] = [
  [0, 0, 0],
  [232, 93, 66],
  [78, 168, 232],
  [112, 196, 88],
  [250, 204, 60],
  [168, 116, 222],
  [52, 200, 180],
  [240, 118, 184],
  [190, 142, 88],
  [206, 26, 84],
  [76, 104, 224],
  [200, 226, 84],
  [255, 138, 20],
  [134, 222, 244],
  [160, 78, 128],
  [60, 132, 66],
  [244, 214, 172],
];

/**
 * The color in which pictures show a class: black for the background, a fixed palette for the first 16 classes, and
 * further hues by the golden angle after that.
 *
 * @param index - Of the class, 0 for the background.
 * @throws ConfigError unless the index is a whole number of at least 0.
 */
export function classColor(index: number): Color {
  if (!Number.isInteger(index) || index < 0)
    throw new ConfigError(`classColor: index must be a whole number of at least 0, got ${index}.`);
  return PALETTE[index] ?? hue(index * 137.508);
}

/** The color of a hue in degrees, at a saturation of 0.65 and a lightness of 0.6. */
function hue(degrees: number): Color {
  const chroma = 0.65 * Math.min(0.6, 1 - 0.6);
  const channel = (shift: number): number => {
    const k = (shift + degrees / 30) % 12;
    return Math.round(255 * (0.6 - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
