import type { Random, Size3D } from "@plseg/core";

/** A smooth displacement, worked out row by row. */
export interface ElasticField {
  /** Writes the displacements of the voxels of row (`depth`, `height`) along depth, height and width, in voxels. */
  row(depth: number, height: number, out: readonly [Float32Array, Float32Array, Float32Array]): void;
}

/** Options of {@link elasticField}. */
export interface ElasticFieldOptions {
  /** Voxels along depth, height, width. */
  readonly size: Size3D;
  /** Millimeters per voxel along depth, height, width. */
  readonly spacing: Size3D;
  /** Millimeters between control points. */
  readonly grid: number;
  /** Largest displacement along an axis, millimeters. */
  readonly amplitude: number;
}

/**
 * A uniform cubic B-spline whose control points are displaced at random. A B-spline stays within the hull of its control
 * points, so no voxel moves further than `amplitude`, and with an amplitude of less than 0.4 of the grid nothing folds.
 * Sums are taken along one axis after the other: twelve products a voxel.
 *
 * @see Rueckert et al., IEEE TMI 1999; Choi and Lee, Graphical Models 2000 (the bound).
 */
export function elasticField({ size, spacing, grid, amplitude }: ElasticFieldOptions, random: Random): ElasticField {
  const axes = ([0, 1, 2] as const).map((axis) => splineAxis(size[axis], grid / spacing[axis]));
  const [alongDepth, alongHeight, alongWidth] = axes as [SplineAxis, SplineAxis, SplineAxis];
  const [rows, columns] = [alongHeight.points, alongWidth.points];
  const components = spacing.map((mm) => {
    const control = new Float32Array(alongDepth.points * rows * columns);
    for (let i = 0; i < control.length; i++) control[i] = random.uniform(-amplitude, amplitude) / mm;
    return { control, plane: new Float32Array(rows * columns), line: new Float32Array(columns) };
  });
  let inPlane = -1;
  return {
    row(depth, height, out) {
      for (const [component, { control, plane, line }] of components.entries()) {
        if (depth !== inPlane) collapse(control, rows * columns, alongDepth, depth, plane);
        collapse(plane, columns, alongHeight, height, line);
        const { base, weights } = alongWidth;
        const displacement = out[component as 0 | 1 | 2];
        for (let w = 0; w < displacement.length; w++) {
          const [b, k] = [base[w] as number, 4 * w];
          displacement[w] =
            (weights[k] as number) * (line[b] as number) +
            (weights[k + 1] as number) * (line[b + 1] as number) +
            (weights[k + 2] as number) * (line[b + 2] as number) +
            (weights[k + 3] as number) * (line[b + 3] as number);
        }
      }
      inPlane = depth;
    },
  };
}

/** For each voxel along an axis: its first control point, and the weights of it and the three after it. */
interface SplineAxis {
  readonly points: number;
  readonly base: Uint32Array;
  readonly weights: Float32Array;
}

function splineAxis(length: number, step: number): SplineAxis {
  const base = new Uint32Array(length);
  const weights = new Float32Array(4 * length);
  for (let i = 0; i < length; i++) {
    const b = Math.floor(i / step);
    const t = i / step - b;
    base[i] = b;
    weights.set(
      [(1 - t) ** 3 / 6, (3 * t ** 3 - 6 * t ** 2 + 4) / 6, (-3 * t ** 3 + 3 * t ** 2 + 3 * t + 1) / 6, t ** 3 / 6],
      4 * i,
    );
  }
  return { points: Math.floor((length - 1) / step) + 4, base, weights };
}

/** Sums four neighboring slabs of `values`, each of `stride` numbers, with a voxel's weights. */
function collapse(values: Float32Array, stride: number, axis: SplineAxis, voxel: number, out: Float32Array): void {
  const from = (axis.base[voxel] as number) * stride;
  out.fill(0);
  for (let tap = 0; tap < 4; tap++) {
    const weight = axis.weights[4 * voxel + tap] as number;
    const slab = from + tap * stride;
    for (let i = 0; i < stride; i++) out[i] = (out[i] as number) + weight * (values[slab + i] as number);
  }
}
