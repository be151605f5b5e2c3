import { type Affine, ConfigError, type Random, type Size3D } from "@plseg/core";

/** Which part of the anatomy a scan shows, and with which voxels. */
export interface FieldOfView {
  readonly shape: Size3D;
  /** Millimeters per voxel along depth, height, width. */
  readonly voxel: Size3D;
  /** The middle of the first voxel along depth, height, width, millimeters. */
  readonly first: Size3D;
  /** Radius of the round field that the scanner reconstructs, millimeters; infinite where the whole box is. */
  readonly radius: number;
}

/** Half the width and depth of the field, and its lower and upper end by number of classes, millimeters. */
const FIELD = {
  6: { halfWidth: 168, halfDepth: 132, z: [-45, 140] },
  16: { halfWidth: 180, halfDepth: 148, z: [-240, 150] },
} as const;

/** What a phantom may be asked to show. */
export interface FieldOfViewOptions {
  readonly classes: 6 | 16;
  readonly size: number | Size3D | undefined;
  readonly spacing: Size3D | undefined;
  readonly varied: boolean;
}

/**
 * The field by size, spacing, or both: `size` voxels across the anatomy, as many voxels of `spacing` as it needs, or `size`
 * voxels of `spacing` in its middle. A varied field begins and ends elsewhere, is wider or narrower, and in half of the
 * scans round, as wide as the shorter side.
 *
 * @throws ConfigError if the size is not from 16 to 1024 voxels along each axis, or the spacing is not positive.
 */
export function fieldOfView({ classes, size, spacing, varied }: FieldOfViewOptions, random: Random): FieldOfView {
  if (spacing && !spacing.every((mm) => mm > 0 && Number.isFinite(mm)))
    throw new ConfigError(`makePhantom: spacing must be positive millimeters, got ${spacing.join(", ")}.`);
  const { halfWidth, halfDepth, z } = FIELD[classes];
  const [bottom, top] = z;
  const between = (low: number, high: number): number => (varied ? random.uniform(low, high) : 0);
  const zoom = 1 + between(-0.12, 0.12);
  const cut = [between(-0.25, 0.25), between(-0.25, 0.25)].map((part) => Math.max(0, part) * (top - bottom));
  const extent: Size3D = [
    top - bottom - (cut[0] as number) - (cut[1] as number),
    2 * halfDepth * zoom,
    2 * halfWidth * zoom,
  ];
  const middle: Size3D = [
    (top + bottom + (cut[0] as number) - (cut[1] as number)) / 2,
    between(-12, 12),
    between(-12, 12),
  ];
  const round = varied && random.uniform() < 0.5;
  const shape: Size3D =
    size === undefined && spacing
      ? [count(extent[0], spacing[0]), count(extent[1], spacing[1]), count(extent[2], spacing[2])]
      : typeof size === "object"
        ? size
        : [size ?? 64, size ?? 64, size ?? 64];
  if (!shape.every((n) => Number.isInteger(n) && n >= 16 && n <= 1024))
    throw new ConfigError(`makePhantom: size must be whole numbers from 16 to 1024, got ${shape.join(", ")}.`);
  const voxel: Size3D = spacing ?? [extent[0] / shape[0], extent[1] / shape[1], extent[2] / shape[2]];
  const first = (axis: 0 | 1 | 2): number => middle[axis] - ((shape[axis] - 1) / 2) * voxel[axis];
  const radius = round ? Math.min(shape[1] * voxel[1], shape[2] * voxel[2]) / 2 : Number.POSITIVE_INFINITY;
  return { shape, voxel, first: [first(0), first(1), first(2)], radius };
}

const count = (extent: number, mm: number): number => Math.round(extent / mm);

/** RAS+, the middle of the volume at the origin. */
export function affineOf({ shape: [depth, height, width], voxel: [sz, sy, sx] }: FieldOfView): Affine {
  const origin = (n: number, side: number): number => (-(n - 1) * side) / 2;
  return [sx, 0, 0, origin(width, sx), 0, sy, 0, origin(height, sy), 0, 0, sz, origin(depth, sz), 0, 0, 0, 1];
}
