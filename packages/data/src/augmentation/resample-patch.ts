import { Random, type Size3D, sizeOf } from "@plseg/core";
import { elasticField } from "./elastic-field.js";
import { AIR, type AugmentedPatch, BACKGROUND, type Patch } from "./patch.js";
import { type SpatialTransform, sourceMatrix } from "./spatial-transform.js";

/**
 * Takes the middle of a patch through a transform: image and labels in one pass, from the same places.
 *
 * The image is interpolated linearly between the eight voxels around a place. The label is the one of those eight that weighs
 * most, all voxels of a label together, so that it goes where the image goes and no label shows up between two others.
 * Beyond the source is air, labeled background. Without a transform, or one that only flips, every value is exact.
 */
export function resamplePatch(source: Patch, patchSize: Size3D, transform?: SpatialTransform): AugmentedPatch {
  const patch = { image: new Float32Array(sizeOf(patchSize)), labels: new Int32Array(sizeOf(patchSize)) };
  if (transform) warp(source, patchSize, transform, patch);
  else crop(source, patchSize, patch);
  return patch;
}

/** Voxels of the source before the patch along an axis; negative where the source is smaller. */
const marginOf = (source: number, patch: number): number => Math.floor((source - patch) / 2);

function crop({ image, labels, shape }: Patch, patchSize: Size3D, patch: AugmentedPatch): void {
  patch.image.fill(AIR);
  const margin = shape.map((n, axis) => marginOf(n, patchSize[axis] as number)) as unknown as Size3D;
  const first = margin.map((m) => Math.max(0, -m)) as unknown as Size3D;
  const end = patchSize.map((n, axis) => Math.min(n, (shape[axis] as number) - (margin[axis] as number)));
  const [endDepth, endHeight, endWidth] = end as unknown as Size3D;
  for (let d = first[0]; d < endDepth; d++)
    for (let h = first[1]; h < endHeight; h++) {
      const from = ((d + margin[0]) * shape[1] + h + margin[1]) * shape[2] + margin[2];
      const to = (d * patchSize[1] + h) * patchSize[2];
      patch.image.set(image.subarray(from + first[2], from + endWidth), to + first[2]);
      patch.labels.set(labels.subarray(from + first[2], from + endWidth), to + first[2]);
    }
}

function warp(source: Patch, patchSize: Size3D, transform: SpatialTransform, patch: AugmentedPatch): void {
  const { image, labels, shape, spacing } = source;
  const [depth, height, width] = shape;
  const slice = height * width;
  const [rowZ, rowY, rowX] = sourceMatrix(transform, spacing);
  const middle = patchSize.map((n) => (n - 1) / 2) as unknown as Size3D;
  const center = shape.map(
    (n, axis) => (middle[axis] as number) + marginOf(n, patchSize[axis] as number),
  ) as unknown as Size3D;
  const { elastic } = transform;
  const field = elastic && elasticField({ size: patchSize, spacing, ...elastic }, Random.of("elastic", elastic.seed));
  const displacement = [0, 1, 2].map(() => new Float32Array(patchSize[2]));
  const [moveZ, moveY, moveX] = displacement as [Float32Array, Float32Array, Float32Array];
  const border = borderSampler(source);
  for (let d = 0, at = 0; d < patchSize[0]; d++) {
    for (let h = 0; h < patchSize[1]; h++) {
      field?.row(d, h, [moveZ, moveY, moveX]);
      const [pd, ph] = [d - middle[0], h - middle[1]];
      const startZ = center[0] + rowZ[0] * pd + rowZ[1] * ph;
      const startY = center[1] + rowY[0] * pd + rowY[1] * ph;
      const startX = center[2] + rowX[0] * pd + rowX[1] * ph;
      for (let w = 0; w < patchSize[2]; w++, at++) {
        const pw = w - middle[2];
        const z = startZ + rowZ[2] * pw + (moveZ[w] as number);
        const y = startY + rowY[2] * pw + (moveY[w] as number);
        const x = startX + rowX[2] * pw + (moveX[w] as number);
        const [z0, y0, x0] = [Math.floor(z), Math.floor(y), Math.floor(x)];
        if (z0 < 0 || y0 < 0 || x0 < 0 || z0 >= depth - 1 || y0 >= height - 1 || x0 >= width - 1) {
          border(z, y, x);
          patch.image[at] = border.value;
          patch.labels[at] = border.label;
          continue;
        }
        const [tz, ty, tx] = [z - z0, y - y0, x - x0];
        const i = z0 * slice + y0 * width + x0;
        const [j, k, l] = [i + width, i + slice, i + slice + width];
        const near = lerp(
          lerp(image[i] as number, image[i + 1] as number, tx),
          lerp(image[j] as number, image[j + 1] as number, tx),
          ty,
        );
        const far = lerp(
          lerp(image[k] as number, image[k + 1] as number, tx),
          lerp(image[l] as number, image[l + 1] as number, tx),
          ty,
        );
        patch.image[at] = lerp(near, far, tz);
        const label = labels[i] as number;
        patch.labels[at] =
          label === labels[i + 1] &&
          label === labels[j] &&
          label === labels[j + 1] &&
          label === labels[k] &&
          label === labels[k + 1] &&
          label === labels[l] &&
          label === labels[l + 1]
            ? label
            : vote(labels, i, width, slice, tz, ty, tx);
      }
    }
  }
}

/** Exact at both ends. */
const lerp = (a: number, b: number, t: number): number => a * (1 - t) + b * t;

const corners = { labels: new Int32Array(8), weights: new Float64Array(8) };

/** The heaviest label of the eight voxels from `i` on. */
function vote(
  labels: Patch["labels"],
  i: number,
  width: number,
  slice: number,
  tz: number,
  ty: number,
  tx: number,
): number {
  for (let corner = 0; corner < 8; corner++) {
    const [dz, dy, dx] = [corner >> 2, (corner >> 1) & 1, corner & 1];
    corners.labels[corner] = labels[i + dz * slice + dy * width + dx] as number;
    corners.weights[corner] = (dz ? tz : 1 - tz) * (dy ? ty : 1 - ty) * (dx ? tx : 1 - tx);
  }
  return heaviest();
}

/** The label in {@link corners} whose weights sum to most; the first of equals. */
function heaviest(): number {
  const { labels, weights } = corners;
  let [best, most] = [BACKGROUND, -1];
  for (let a = 0; a < 8; a++) {
    let weight = 0;
    for (let b = 0; b < 8; b++) if (labels[b] === labels[a]) weight += weights[b] as number;
    if (weight > most) [best, most] = [labels[a] as number, weight];
  }
  return best;
}

/** Samples places near and beyond the border; the result is in `value` and `label`. */
interface BorderSampler {
  (z: number, y: number, x: number): void;
  value: number;
  label: number;
}

function borderSampler({ image, labels, shape: [depth, height, width] }: Patch): BorderSampler {
  const sample = (z: number, y: number, x: number): void => {
    const [z0, y0, x0] = [Math.floor(z), Math.floor(y), Math.floor(x)];
    if (z0 < -1 || y0 < -1 || x0 < -1 || z0 >= depth || y0 >= height || x0 >= width) {
      sampler.value = AIR;
      sampler.label = BACKGROUND;
      return;
    }
    let value = 0;
    for (let corner = 0; corner < 8; corner++) {
      const [cz, cy, cx] = [z0 + (corner >> 2), y0 + ((corner >> 1) & 1), x0 + (corner & 1)];
      const inside = cz >= 0 && cy >= 0 && cx >= 0 && cz < depth && cy < height && cx < width;
      const i = (cz * height + cy) * width + cx;
      const weight = (1 - Math.abs(z - cz)) * (1 - Math.abs(y - cy)) * (1 - Math.abs(x - cx));
      value += weight * (inside ? (image[i] as number) : AIR);
      corners.labels[corner] = inside ? (labels[i] as number) : BACKGROUND;
      corners.weights[corner] = weight;
    }
    sampler.value = value;
    sampler.label = heaviest();
  };
  const sampler: BorderSampler = Object.assign(sample, { value: AIR, label: BACKGROUND });
  return sampler;
}
