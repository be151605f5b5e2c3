import { type LabelMap, type Size3D, sizeOf } from "@plseg/core";
import type { Grid } from "./affine.js";
import { checkGrid, checkVolume } from "./resample.js";
import { type AxisTaps, alignedAxes, indexMap, sizesOf } from "./resample-axes.js";

/** What is written for a stretch of voxels that do not all have one label. */
const MIXED = -1;

/**
 * A label map on another grid: every new voxel gets the label that has most weight there.
 *
 * It is what interpolating the indicator of each class as {@link resample} would interpolate it, and taking the largest,
 * gives: borders become smooth, and no voxel is left without a label where several classes meet (as a threshold of 0.5 for
 * each class leaves it). Classes are not held one by one, only the label maps themselves. A tie goes to the label of the
 * nearest old voxel if it is among the first, so that organs do not grow or shrink, else to the smallest label.
 *
 * Along axes that become coarser a new voxel takes the majority of what it covers: what is thinner than about half of a
 * new voxel goes, wherever it lies. Along axes that become finer, a plane or a rod of one voxel stays; a single voxel
 * has most weight only near its center (0.42 at a quarter of a voxel in all three directions), so it may go where the new
 * grid has no voxel nearby. Between grids whose axes run in different directions it is interpolated point by
 * point, without regard to how coarse the target is. Outside the map's field of view is background, 0.
 *
 * @throws ShapeError if the map's shape does not fit its voxels; ConfigError unless the target is a grid.
 */
export function resampleLabels(map: LabelMap, target: Grid): LabelMap {
  checkVolume("resampleLabels", map);
  checkGrid("resampleLabels", target);
  const taps = alignedAxes(map, target, true);
  const data =
    map.data instanceof Uint8Array ? new Uint8Array(sizeOf(target.shape)) : new Uint16Array(sizeOf(target.shape));
  if (taps) byAxes(map, target, taps, data);
  else byPoints(map, target, data);
  return { data, shape: target.shape, affine: target.affine };
}

function byAxes(
  { data, shape }: LabelMap,
  target: Grid,
  taps: readonly [AxisTaps, AxisTaps, AxisTaps],
  result: Uint8Array | Uint16Array,
): void {
  const [alongX, alongY, alongZ] = taps;
  const sizes = sizesOf(target.shape);
  const strides = [1, sizes[0], sizes[0] * sizes[1]] as const;
  const [strideX, strideY, strideZ] = taps.map((axis) => strides[axis.target]) as [number, number, number];
  // Away from borders all voxels that count have one label. Whether it is so is found once per slice of the source.
  const uniform = new Map<number, Int32Array>();
  const ballot = new Ballot();
  const from = Array.from(alongZ.first).sort((a, b) => a - b);
  const order = Array.from({ length: alongZ.size }, (_, z) => z);
  if ((alongZ.first[0] as number) > (alongZ.first[alongZ.size - 1] as number)) order.reverse();
  for (const [step, z] of order.entries()) {
    for (const slice of uniform.keys()) if (slice < (from[step] as number)) uniform.delete(slice);
    const first = alongZ.first[z] as number;
    const planes: Int32Array[] = [];
    for (let slice = first; slice < first + (alongZ.count[z] as number); slice++) {
      const plane = uniform.get(slice) ?? uniformLabels(data, slice, shape, alongX, alongY);
      uniform.set(slice, plane);
      planes.push(plane);
    }
    for (let y = 0; y < alongY.size; y++)
      for (let x = 0; x < alongX.size; x++) {
        if (!(alongX.inside[x] && alongY.inside[y] && alongZ.inside[z])) continue;
        const at = y * alongX.size + x;
        const label = (planes[0] as Int32Array)[at] as number;
        const same = label !== MIXED && planes.every((plane) => plane[at] === label);
        result[x * strideX + y * strideY + z * strideZ] = same ? label : vote(data, shape, taps, x, y, z, ballot);
      }
  }
}

/** For each voxel of the target's plane: the one label of the voxels that it takes from a slice of the source, or MIXED. */
function uniformLabels(
  data: Uint8Array | Uint16Array,
  slice: number,
  [, height, width]: Size3D,
  alongX: AxisTaps,
  alongY: AxisTaps,
): Int32Array {
  const rows = new Int32Array(height * alongX.size);
  for (let y = 0; y < height; y++) {
    const start = (slice * height + y) * width;
    for (let x = 0; x < alongX.size; x++) {
      const low = start + (alongX.first[x] as number);
      const high = low + (alongX.count[x] as number);
      const label = data[low] as number;
      let i = low + 1;
      while (i < high && data[i] === label) i++;
      rows[y * alongX.size + x] = i === high ? label : MIXED;
    }
  }
  const plane = new Int32Array(alongY.size * alongX.size);
  for (let y = 0; y < alongY.size; y++) {
    const low = alongY.first[y] as number;
    const high = low + (alongY.count[y] as number);
    for (let x = 0; x < alongX.size; x++) {
      const label = rows[low * alongX.size + x] as number;
      let i = low + 1;
      while (i < high && rows[i * alongX.size + x] === label) i++;
      plane[y * alongX.size + x] = i === high ? label : MIXED;
    }
  }
  return plane;
}

function vote(
  data: Uint8Array | Uint16Array,
  [, height, width]: Size3D,
  [alongX, alongY, alongZ]: readonly [AxisTaps, AxisTaps, AxisTaps],
  x: number,
  y: number,
  z: number,
  ballot: Ballot,
): number {
  ballot.clear();
  for (let k = 0; k < (alongZ.count[z] as number); k++) {
    const weightZ = alongZ.weights[z * alongZ.width + k] as number;
    for (let j = 0; j < (alongY.count[y] as number); j++) {
      const weight = weightZ * (alongY.weights[y * alongY.width + j] as number);
      const row = (((alongZ.first[z] as number) + k) * height + (alongY.first[y] as number) + j) * width;
      const start = row + (alongX.first[x] as number);
      for (let i = 0; i < (alongX.count[x] as number); i++)
        ballot.add(data[start + i] as number, weight * (alongX.weights[x * alongX.width + i] as number));
    }
  }
  const nearest = ((alongZ.nearest[z] as number) * height + (alongY.nearest[y] as number)) * width;
  return ballot.winner(data[nearest + (alongX.nearest[x] as number)] as number);
}

function byPoints({ data, shape, affine }: LabelMap, target: Grid, result: Uint8Array | Uint16Array): void {
  const map = indexMap({ shape, affine }, target);
  const [sizeZ, sizeY, sizeX] = shape;
  const [depth, height, width] = target.shape;
  const ballot = new Ballot();
  const position = (row: number, x: number, y: number, z: number): number =>
    (map[row] as number) * x + (map[row + 1] as number) * y + (map[row + 2] as number) * z + (map[row + 3] as number);
  const outside = (at: number, size: number): boolean => at < -0.5 || at > size - 0.5;
  const clamp = (at: number, size: number): number => Math.min(Math.max(at, 0), size - 1);
  let to = -1;
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        to++;
        const [px, py, pz] = [position(0, x, y, z), position(4, x, y, z), position(8, x, y, z)];
        if (outside(px, sizeX) || outside(py, sizeY) || outside(pz, sizeZ)) continue;
        const [cx, cy, cz] = [clamp(px, sizeX), clamp(py, sizeY), clamp(pz, sizeZ)];
        ballot.clear();
        for (let corner = 0; corner < 8; corner++) {
          const [i, j, k] = [
            Math.floor(cx) + (corner & 1),
            Math.floor(cy) + ((corner >> 1) & 1),
            Math.floor(cz) + (corner >> 2),
          ];
          const weight = (1 - Math.abs(cx - i)) * (1 - Math.abs(cy - j)) * (1 - Math.abs(cz - k));
          if (weight > 0) ballot.add(data[(k * sizeY + j) * sizeX + i] as number, weight);
        }
        const nearest = (Math.round(cz) * sizeY + Math.round(cy)) * sizeX + Math.round(cx);
        result[to] = ballot.winner(data[nearest] as number);
      }
}

/** Weights that are as close as rounding leaves equal ones. */
const TIE = 1e-9;

/** The few labels around a place, with their weights. */
class Ballot {
  private readonly labels: number[] = [];
  private readonly weights: number[] = [];

  clear(): void {
    this.labels.length = 0;
    this.weights.length = 0;
  }

  add(label: number, weight: number): void {
    const { labels, weights } = this;
    for (let i = 0; i < labels.length; i++)
      if (labels[i] === label) {
        weights[i] = (weights[i] as number) + weight;
        return;
      }
    labels.push(label);
    weights.push(weight);
  }

  /** The label of most weight; of several, the preferred one, else the smallest. */
  winner(preferred: number): number {
    const { labels, weights } = this;
    const most = Math.max(...weights) - TIE;
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < labels.length; i++) {
      if ((weights[i] as number) < most) continue;
      if (labels[i] === preferred) return preferred;
      best = Math.min(best, labels[i] as number);
    }
    return best;
  }
}
