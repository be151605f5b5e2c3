/** Millimeters: x to the patient's right, y to the front, z to the head; the origin is in the middle of the abdomen. */
export type Point = readonly [x: number, y: number, z: number];

/** An ellipsoid, turned about its center by `turn` (radians about x, y and z). */
export interface Ellipsoid {
  readonly kind: "ellipsoid";
  readonly center: Point;
  readonly radii: Point;
  readonly turn: Point;
}

/** A tube along a broken line, its radius changing linearly between the points. */
export interface Tube {
  readonly kind: "tube";
  readonly points: readonly Point[];
  readonly radii: readonly number[];
}

/** Parts of a structure. */
export type Parts = readonly (Ellipsoid | Tube)[];

/** An ellipsoid by its center and half axes. */
export const ellipsoid = (center: Point, radii: Point, turn: Point = [0, 0, 0]): Ellipsoid => ({
  kind: "ellipsoid",
  center,
  radii,
  turn,
});

/** A tube by its radii at the points. */
export const tube = (radii: readonly number[], ...points: readonly Point[]): Tube => ({ kind: "tube", points, radii });

/** Turns a point about the x axis, then y, then z. */
export function rotate([x, y, z]: Point, [ax, ay, az]: Point): Point {
  const [y1, z1] = [y * Math.cos(ax) - z * Math.sin(ax), y * Math.sin(ax) + z * Math.cos(ax)];
  const [x2, z2] = [x * Math.cos(ay) + z1 * Math.sin(ay), z1 * Math.cos(ay) - x * Math.sin(ay)];
  return [x2 * Math.cos(az) - y1 * Math.sin(az), x2 * Math.sin(az) + y1 * Math.cos(az), z2];
}

/**
 * The same tube along a smooth curve through its points (Catmull and Rom), `pieces` straight pieces from each to the next.
 * `ripple` narrows and widens it like the haustra of the colon, by that part of its radius.
 */
export function smooth({ points, radii }: Tube, pieces: number, ripple = 0): Tube {
  const at = <T>(list: readonly T[], i: number): T => list[Math.min(Math.max(i, 0), list.length - 1)] as T;
  const curve: Point[] = [];
  const widths: number[] = [];
  for (let s = 0; s + 1 < points.length; s++)
    for (let p = 0; p < pieces || (s + 2 === points.length && p === pieces); p++) {
      const t = p / pieces;
      const along = (axis: 0 | 1 | 2): number => {
        const [a, b, c, d] = [-1, 0, 1, 2].map((i) => at(points, s + i)[axis]) as [number, number, number, number];
        return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
      };
      curve.push([along(0), along(1), along(2)]);
      const width = at(radii, s) * (1 - t) + at(radii, s + 1) * t;
      widths.push(width * (1 + ripple * Math.sin(2.1 * curve.length)));
    }
  return tube(widths, ...curve);
}

/** The box around a part, widened by `margin`: [low, high] along x, y and z. */
export function boundsOf(part: Ellipsoid | Tube, margin: number): readonly [Range, Range, Range] {
  const points = part.kind === "tube" ? part.points : [part.center];
  const reach = Math.max(...part.radii) + margin;
  const range = (axis: 0 | 1 | 2): Range => {
    const values = points.map((point) => point[axis]);
    return [Math.min(...values) - reach, Math.max(...values) + reach];
  };
  return [range(0), range(1), range(2)];
}

/** From and to, millimeters. */
export type Range = readonly [low: number, high: number];
