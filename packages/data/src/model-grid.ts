import { type LabelMap, type Size3D, spacingOf, type Volume, type VoxelArray } from "@plseg/core";
import type { Grid } from "./affine.js";
import { bodyBox } from "./body-box.js";
import { cropGrid, cropVolume, type VoxelBox } from "./crop-volume.js";
import { gridWithSpacing } from "./grid-with-spacing.js";
import { resample } from "./resample.js";
import { resampleLabels } from "./resample-labels.js";

/** Where a network sees a scan: the body alone, with the spacing that the network was trained for. */
export interface ModelGrid {
  /** The part of the scan that holds the body. */
  readonly box: VoxelBox;
  /** The grid of that part, with the scan's spacing. */
  readonly cropped: Grid;
  /** The same part with the network's spacing. It is `cropped` itself where the two differ by less than 1 %. */
  readonly grid: Grid;
}

/** Spacings that differ by less, as a part, are taken for one: resampling would change nothing but blur. */
const SAME_SPACING = 0.01;

/**
 * The grid on which a network of this spacing sees a scan. Training and prediction use the same.
 *
 * @param image - In canonical orientation, in Hounsfield units.
 * @param spacing - Of the network, millimeters along depth, height, width.
 * @param labels - What must not be cut off, if known.
 * @throws ConfigError unless the spacing is positive.
 */
export function modelGrid(image: Volume<VoxelArray>, spacing: Size3D, labels?: LabelMap): ModelGrid {
  const body = bodyBox(image);
  const box = labels ? including(body, labels) : body;
  const cropped = cropGrid(image, box);
  const near = spacingOf(image.affine).every((mm, axis) => Math.abs(mm / (spacing[axis] as number) - 1) < SAME_SPACING);
  return { box, cropped, grid: near ? cropped : gridWithSpacing(cropped, spacing) };
}

/** A scan on the grid of a network. Voxels that are not a number become the lowest value of the part. */
export function imageOnModelGrid(image: Volume<VoxelArray>, { box, cropped, grid }: ModelGrid): Volume<VoxelArray> {
  const part = withoutGaps(cropVolume(image, box));
  return grid === cropped ? part : resample(part, grid);
}

/** A label map on the grid of a network. */
export function labelsOnModelGrid(labels: LabelMap, { box, cropped, grid }: ModelGrid): LabelMap {
  const part = cropVolume(labels, box);
  return grid === cropped ? part : resampleLabels(part, grid);
}

/** Replaces what is not a number, which interpolation would spread. Changes the volume. */
function withoutGaps(volume: Volume<VoxelArray>): Volume<VoxelArray> {
  const { data } = volume;
  let lowest = Number.POSITIVE_INFINITY;
  let gaps = 0;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (!Number.isFinite(value)) gaps++;
    else if (value < lowest) lowest = value;
  }
  if (gaps === 0) return volume;
  const air = gaps < data.length ? lowest : 0;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) data[i] = air;
  return volume;
}

/** The smallest box that holds the box and every labeled voxel. */
function including({ origin, shape }: VoxelBox, { data, shape: size }: LabelMap): VoxelBox {
  const [, height, width] = size;
  const low: [number, number, number] = [...origin];
  const high = origin.map((from, axis) => from + (shape[axis] as number) - 1) as [number, number, number];
  for (let at = 0; at < data.length; at++) {
    if (data[at] === 0) continue;
    const voxel = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width] as const;
    for (const axis of [0, 1, 2] as const) {
      low[axis] = Math.min(low[axis], voxel[axis]);
      high[axis] = Math.max(high[axis], voxel[axis]);
    }
  }
  return { origin: low, shape: low.map((from, axis) => (high[axis] as number) - from + 1) as unknown as Size3D };
}
