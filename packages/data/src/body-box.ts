import { type Size3D, spacingOf, type Volume, type VoxelArray } from "@plseg/core";
import { connectedComponents } from "./connected-components.js";
import type { VoxelBox } from "./crop-volume.js";

/** In Hounsfield units: skin, fat and what is denser are above it, air and lung below. */
const BODY_THRESHOLD = -300;

/** About how far apart, in millimeters, the voxels are that are looked at. */
const STEP = 3;

/**
 * The box of a CT that holds the patient: the largest connected part above −300 HU, without the couch and the air around.
 *
 * It looks at a voxel every 3 mm or so, and takes one such step off the border of what is above the threshold before parts are told
 * apart, so that a couch that touches the skin falls off. The box is then widened by two steps, so that it cuts
 * nothing off. Where nothing is above the threshold, the box is the whole volume.
 */
export function bodyBox(image: Volume<VoxelArray>): VoxelBox {
  const steps = spacingOf(image.affine).map((mm) => Math.max(1, Math.round(STEP / mm))) as unknown as Size3D;
  const coarse = threshold(image, steps);
  const box = boxOfLargest(eroded(coarse)) ?? boxOfLargest(coarse);
  if (!box) return { origin: [0, 0, 0], shape: image.shape };
  const range = (axis: 0 | 1 | 2): readonly [from: number, count: number] => {
    const from = Math.max(0, (box.low[axis] - 2) * steps[axis]);
    const to = Math.min(image.shape[axis] - 1, (box.high[axis] + 2) * steps[axis]);
    return [from, to - from + 1];
  };
  const [z, y, x] = [range(0), range(1), range(2)];
  return { origin: [z[0], y[0], x[0]], shape: [z[1], y[1], x[1]] };
}

interface Mask {
  readonly data: Uint8Array;
  readonly shape: Size3D;
}

/** Every `steps`-th voxel: whether it is above the threshold. */
function threshold({ data, shape }: Volume<VoxelArray>, steps: Size3D): Mask {
  const [depth, height, width] = shape.map((size, axis) => Math.ceil(size / (steps[axis] as number))) as [
    number,
    number,
    number,
  ];
  const mask = new Uint8Array(depth * height * width);
  let at = 0;
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++) {
      const row = (z * steps[0] * shape[1] + y * steps[1]) * shape[2];
      for (let x = 0; x < width; x++) mask[at++] = (data[row + x * steps[2]] as number) > BODY_THRESHOLD ? 1 : 0;
    }
  return { data: mask, shape: [depth, height, width] };
}

/** Voxels whose six neighbors are set; beyond the volume counts as set, as the patient goes on there. */
function eroded({ data, shape }: Mask): Mask {
  const result = data.slice();
  eachNeighbor(shape, (voxel, neighbor) => {
    if (data[neighbor] === 0) result[voxel] = 0;
  });
  return { data: result, shape };
}

function eachNeighbor([depth, height, width]: Size3D, use: (voxel: number, neighbor: number) => void): void {
  const area = height * width;
  let at = 0;
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, at++) {
        if (x > 0) use(at, at - 1);
        if (x < width - 1) use(at, at + 1);
        if (y > 0) use(at, at - width);
        if (y < height - 1) use(at, at + width);
        if (z > 0) use(at, at - area);
        if (z < depth - 1) use(at, at + area);
      }
}

/** Corners of the largest part that is connected by faces. */
function boxOfLargest(mask: Mask): { readonly low: Size3D; readonly high: Size3D } | undefined {
  const [depth, height, width] = mask.shape;
  const { voxels, eachRun } = connectedComponents(mask, { connectivity: 6 });
  if (voxels.length === 0) return undefined;
  const largest = voxels.indexOf(voxels.reduce((most, count) => Math.max(most, count)));
  let [z0, y0, x0, z1, y1, x1] = [depth, height, width, 0, 0, 0];
  eachRun((component, start, end) => {
    if (component !== largest) return;
    const row = Math.floor(start / width);
    const [z, y, x] = [Math.floor(row / height), row % height, start % width];
    [z0, y0, x0] = [Math.min(z0, z), Math.min(y0, y), Math.min(x0, x)];
    [z1, y1, x1] = [Math.max(z1, z), Math.max(y1, y), Math.max(x1, x + end - start - 1)];
  });
  return { low: [z0, y0, x0], high: [z1, y1, x1] };
}
