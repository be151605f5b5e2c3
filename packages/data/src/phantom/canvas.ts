import type { Random, Size3D } from "@plseg/core";
import type { FieldOfView } from "./field-of-view.js";
import type { Range } from "./shapes.js";

/** A volume being painted, with the place of each voxel in the anatomy. */
export interface Canvas {
  readonly shape: Size3D;
  /** Millimeters per voxel along depth, height, width. */
  readonly voxel: Size3D;
  /** The middle of the first voxel along depth, height, width, millimeters. */
  readonly first: Size3D;
  /** Hounsfield units, and indices of classes. */
  readonly intensity: Float32Array;
  readonly labels: Uint8Array;
  /** Bent coordinates in the anatomy, millimeters. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly z: Float32Array;
  /** Signed distance to wall and diaphragm of the abdominal cavity, millimeters, negative inside. */
  readonly cavity: Float32Array;
  /** Distances to the structure that is being painted; infinite between structures. */
  readonly distance: Float32Array;
  /** Millimeters over which an edge blurs: the mean side of a voxel. */
  readonly blur: number;
}

/** How far bends may move a point along an axis, millimeters. */
const BEND = 9;

/** Largest displacement and shortest and longest wave of each of the waves of a bend, millimeters. */
const WAVES = [
  [3.5, 160, 320],
  [3.5, 140, 260],
  [2, 50, 90],
] as const;

type Bend = (u: number, v: number) => number;

/** A smooth displacement along one axis that depends on the other two. */
function drawBend(random: Random, variety: number): Bend {
  const waves = WAVES.map(([most, shortest, longest]) => ({
    a: variety * random.uniform(-most, most),
    ku: (2 * Math.PI) / random.uniform(shortest, longest),
    kv: (2 * Math.PI) / random.uniform(shortest, longest),
    phase: random.uniform(0, 2 * Math.PI),
  }));
  return (u, v) => waves.reduce((sum, { a, ku, kv, phase }) => sum + a * Math.sin(ku * u + kv * v + phase), 0);
}

/** An empty canvas for a field of view, its coordinates bent at random. */
export function blankCanvas({ shape, voxel, first }: FieldOfView, random: Random, variety: number): Canvas {
  const [depth, height, width] = shape;
  const count = depth * height * width;
  const canvas: Canvas = {
    shape,
    voxel,
    first,
    intensity: new Float32Array(count),
    labels: new Uint8Array(count),
    x: new Float32Array(count),
    y: new Float32Array(count),
    z: new Float32Array(count),
    cavity: new Float32Array(count),
    distance: new Float32Array(count).fill(Number.POSITIVE_INFINITY),
    blur: Math.cbrt(voxel[0] * voxel[1] * voxel[2]),
  };
  const place = (index: number, axis: 0 | 1 | 2): number => first[axis] + index * voxel[axis];
  // Each displacement depends on two axes only, so it is worked out once per plane.
  const [bendX, bendY, bendZ] = [drawBend(random, variety), drawBend(random, variety), drawBend(random, variety)];
  const dx = plane(height, depth, (j, k) => bendX(place(j, 1), place(k, 0)));
  const dy = plane(width, depth, (i, k) => bendY(place(i, 2), place(k, 0)));
  const dz = plane(width, height, (i, j) => bendZ(place(i, 2), place(j, 1)));
  for (let k = 0, at = 0; k < depth; k++)
    for (let j = 0; j < height; j++)
      for (let i = 0; i < width; i++, at++) {
        canvas.x[at] = place(i, 2) + (dx[k * height + j] as number);
        canvas.y[at] = place(j, 1) + (dy[k * width + i] as number);
        canvas.z[at] = place(k, 0) + (dz[j * width + i] as number);
      }
  return canvas;
}

function plane(columns: number, rows: number, value: (column: number, row: number) => number): Float32Array {
  const values = new Float32Array(columns * rows);
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++) values[at] = value(column, row);
  return values;
}

/** First and one past the last voxel along depth, height and width of a box [x, y, z] of the anatomy. */
export function voxelsWithin(
  { shape, voxel, first }: Canvas,
  [x, y, z]: readonly [Range, Range, Range],
): readonly [Range, Range, Range] {
  const range = (axis: 0 | 1 | 2, [low, high]: Range): Range => [
    Math.max(0, Math.floor((low - BEND - first[axis]) / voxel[axis])),
    Math.min(shape[axis], Math.ceil((high + BEND - first[axis]) / voxel[axis]) + 1),
  ];
  return [range(0, z), range(1, y), range(2, x)];
}

/** A value that moves from one to the other as `part` goes from 0 to 1. */
export const mix = (from: number, to: number, part: number): number => from + (to - from) * part;

/** Which part of a voxel lies within an edge `blur` wide at a signed distance, negative inside. */
export const covered = (distance: number, blur: number): number => {
  const part = 0.5 - distance / blur;
  return part < 0 ? 0 : Math.min(part, 1);
};
