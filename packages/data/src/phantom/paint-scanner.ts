import type { Random } from "@plseg/core";
import type { Canvas } from "./canvas.js";
import type { FieldOfView } from "./field-of-view.js";

/** The smallest number that a scanner writes, and that of voxels which it did not reconstruct. */
const LOWEST = -1024;

/** The part of the noise's variance that neighbors share. */
const SHARED = 0.5;

/** What belongs to the scanner and not to the patient: the table, noise that neighbors share, and the round field. */
export function paintScanner(canvas: Canvas, field: FieldOfView, back: number, noise: number, random: Random): void {
  paintTable(canvas, back);
  addCorrelatedNoise(canvas, noise, random);
  const { shape, voxel } = canvas;
  const [depth, height, width] = shape;
  for (let j = 0; j < height; j++) {
    const half = Math.sqrt(Math.max(0, field.radius ** 2 - ((j - (height - 1) / 2) * voxel[1]) ** 2)) / voxel[2];
    const cut = Math.ceil(Math.min(Math.max((width - 1) / 2 - half, 0), width / 2));
    for (let k = 0; k < depth && cut > 0; k++) {
      const row = (k * height + j) * width;
      for (const [from, to] of [
        [row, row + cut],
        [row + width - cut, row + width],
      ] as const) {
        canvas.intensity.fill(LOWEST, from, to);
        canvas.labels.fill(0, from, to);
      }
    }
  }
}

/** A thin shell, bent upward at the sides. */
function paintTable({ intensity, shape, voxel, first }: Canvas, back: number): void {
  const [depth, height, width] = shape;
  for (let i = 0; i < width; i++) {
    const x = first[2] + i * voxel[2];
    const y = -back - 10 + (x / 60) ** 2 * 2.2;
    const j = Math.round((y - first[1]) / voxel[1]);
    if (j < 0 || j >= height) continue;
    for (let k = 0; k < depth; k++) {
      const at = (k * height + j) * width + i;
      if ((intensity[at] as number) < -900) intensity[at] = -1000 + 1100 * Math.min(1, 2.5 / voxel[1]);
    }
  }
}

/** White noise plus the same averaged over 2×2×2 voxels, of the standard deviation `noise` together. */
function addCorrelatedNoise({ intensity, shape }: Canvas, noise: number, random: Random): void {
  const [depth, height, width] = shape;
  const slice = height * width;
  const white = new Float32Array(intensity.length);
  for (let at = 0; at < white.length; at += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
    const angle = 2 * Math.PI * random.uniform();
    white[at] = radius * Math.cos(angle);
    if (at + 1 < white.length) white[at + 1] = radius * Math.sin(angle);
  }
  // The sum of eight values has eight times their variance; one of the eight is the voxel's own.
  const own = Math.sqrt(1 - SHARED);
  const shared = Math.sqrt(SHARED / 8);
  const scale = noise / Math.sqrt(1 + 2 * own * shared);
  for (let k = 0, at = 0; k < depth; k++) {
    const dk = k + 1 < depth ? slice : -slice;
    for (let j = 0; j < height; j++) {
      const dj = j + 1 < height ? width : -width;
      for (let i = 0; i < width; i++, at++) {
        const di = i + 1 < width ? 1 : -1;
        const [a, b, c, d] = [at, at + dj, at + dk, at + dk + dj];
        const sum =
          (white[a] as number) +
          (white[a + di] as number) +
          (white[b] as number) +
          (white[b + di] as number) +
          (white[c] as number) +
          (white[c + di] as number) +
          (white[d] as number) +
          (white[d + di] as number);
        const value = (intensity[at] as number) + scale * (own * (white[at] as number) + shared * sum);
        intensity[at] = Math.max(value, LOWEST);
      }
    }
  }
}
