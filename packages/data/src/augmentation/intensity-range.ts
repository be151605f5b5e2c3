/** Smallest, largest and mean value, and the standard deviation. */
export function intensityRange(image: Float32Array): { low: number; high: number; mean: number; deviation: number } {
  let [low, high, sum, squares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let i = 0; i < image.length; i++) {
    const value = image[i] as number;
    if (value < low) low = value;
    if (value > high) high = value;
    sum += value;
    squares += value * value;
  }
  const mean = sum / image.length;
  return { low, high, mean, deviation: Math.sqrt(Math.max(0, squares / image.length - mean * mean)) };
}
