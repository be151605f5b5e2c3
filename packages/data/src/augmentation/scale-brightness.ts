/** Multiplies every value: 0, the window's level, stays where it is. */
export function scaleBrightness(image: Float32Array, factor: number): Float32Array {
  const scaled = new Float32Array(image.length);
  for (let i = 0; i < image.length; i++) scaled[i] = (image[i] as number) * factor;
  return scaled;
}
