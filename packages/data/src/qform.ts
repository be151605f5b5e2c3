import { type Affine, spacingOf } from "@plseg/core";
import { determinant } from "./affine.js";

/** A rotation as a NIfTI header holds it. */
export interface Qform {
  /** `pixdim[0]`: −1 if the third axis is turned around. */
  readonly handedness: 1 | -1;
  /** b, c, d of the unit quaternion whose a is not negative. */
  readonly quaternion: readonly [number, number, number];
}

/**
 * The affine of a qform: method 2 of nifti1.h.
 *
 * @param parameters - b, c, d of the unit quaternion whose a is not negative, then the place of voxel 0.
 * @param sizes - Millimeters along width, height, depth.
 */
export function affineOfQform(
  [b = 0, c = 0, d = 0, x = 0, y = 0, z = 0]: readonly number[],
  [sx, sy, sz]: readonly [number, number, number],
  leftHanded: boolean,
): Affine {
  // A quaternion that rounding made longer than 1 is a half turn.
  const length = Math.hypot(b, c, d);
  const [qb, qc, qd] = length > 1 ? [b / length, c / length, d / length] : [b, c, d];
  const a = Math.sqrt(Math.max(0, 1 - (qb * qb + qc * qc + qd * qd)));
  const k = leftHanded ? -sz : sz;
  const row = (first: number, second: number, third: number, place: number) =>
    [first * sx, second * sy, third * k, place] as const;
  return [
    ...row(a * a + qb * qb - qc * qc - qd * qd, 2 * (qb * qc - a * qd), 2 * (qb * qd + a * qc), x),
    ...row(2 * (qb * qc + a * qd), a * a + qc * qc - qb * qb - qd * qd, 2 * (qc * qd - a * qb), y),
    ...row(2 * (qb * qd - a * qc), 2 * (qc * qd + a * qb), a * a + qd * qd - qb * qb - qc * qc, z),
    ...([0, 0, 0, 1] as const),
  ];
}

/** The rotation of an affine, or `undefined` if its axes are not at right angles. */
export function qformOfAffine(affine: Affine): Qform | undefined {
  const [depth, height, width] = spacingOf(affine);
  const handedness = determinant(affine) < 0 ? -1 : 1;
  const scales = [width, height, depth * handedness];
  const r = (row: number, column: number): number => (affine[row * 4 + column] ?? 0) / (scales[column] ?? 1);
  const dot = (i: number, j: number): number => r(0, i) * r(0, j) + r(1, i) * r(1, j) + r(2, i) * r(2, j);
  const skew = Math.max(Math.abs(dot(0, 1)), Math.abs(dot(0, 2)), Math.abs(dot(1, 2)));
  return skew < 1e-5 ? { handedness, quaternion: quaternionOf(r) } : undefined;
}

/** [b, c, d] of the unit quaternion with a ≥ 0 of a rotation matrix, by its largest component (Shepperd 1978). */
function quaternionOf(r: (row: number, column: number) => number): readonly [number, number, number] {
  const [xx, yy, zz] = [r(0, 0), r(1, 1), r(2, 2)];
  const squares = [1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz];
  const largest = squares.indexOf(Math.max(...squares));
  const twice = Math.sqrt(squares[largest] ?? 1);
  const s = 0.5 / twice;
  const [x, y, z] = [r(2, 1) - r(1, 2), r(0, 2) - r(2, 0), r(1, 0) - r(0, 1)];
  const [xy, xz, yz] = [r(0, 1) + r(1, 0), r(0, 2) + r(2, 0), r(1, 2) + r(2, 1)];
  const candidates: readonly (readonly [number, number, number, number])[] = [
    [twice / 2, x * s, y * s, z * s],
    [x * s, twice / 2, xy * s, xz * s],
    [y * s, xy * s, twice / 2, yz * s],
    [z * s, xz * s, yz * s, twice / 2],
  ];
  const [a, b, c, d] = candidates[largest] ?? [1, 0, 0, 0];
  return a < 0 ? [-b, -c, -d] : [b, c, d];
}
