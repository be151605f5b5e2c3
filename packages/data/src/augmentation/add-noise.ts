import type { Random } from "@plseg/core";

/** Adds independent Gaussian noise (Box and Muller, both values of a pair used). */
export function addNoise(image: Float32Array, deviation: number, random: Random): Float32Array {
  const noisy = new Float32Array(image.length);
  for (let i = 0; i < image.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random.uniform()));
    const angle = 2 * Math.PI * random.uniform();
    noisy[i] = (image[i] as number) + radius * Math.cos(angle);
    if (i + 1 < image.length) noisy[i + 1] = (image[i + 1] as number) + radius * Math.sin(angle);
  }
  return noisy;
}
