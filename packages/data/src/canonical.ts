import { type Affine, DataError, type Size3D, sizeOf, type Volume, type VoxelArray } from "@plseg/core";
import type { Grid } from "./affine.js";

/** A volume whose width runs to the patient's right, height to the front and depth to the head (RAS+). */
export interface CanonicalVolume<Voxels extends VoxelArray> {
  /** The same voxels on the canonical grid. */
  readonly volume: Volume<Voxels>;
  /** Brings a volume on the canonical grid, such as a label map made there, back to the grid that was given. */
  restore<Other extends VoxelArray>(volume: Volume<Other>): Volume<Other>;
}

/** How the axes of a volume become the canonical ones, along width, height, depth. */
interface Turn {
  /** For each canonical axis, the axis of the volume that it takes. */
  readonly from: readonly [number, number, number];
  /** Whether it runs the other way. */
  readonly flip: readonly [boolean, boolean, boolean];
}

/**
 * Turns and flips the axes of a volume so that each runs along the patient's axis that it is nearest to: right, front,
 * head. No voxel is interpolated; an oblique volume stays oblique. Scanners and programs store volumes in different
 * directions, and a network that tells left from right must always see the same one.
 *
 * @throws DataError if the affine does not tell the axes apart.
 */
export function toCanonical<Voxels extends VoxelArray>(volume: Volume<Voxels>): CanonicalVolume<Voxels> {
  const turn = turnOf(volume.affine);
  const { shape, affine } = canonicalGrid(volume);
  if (isIdentity(turn)) return { volume, restore: (other) => other };
  return {
    volume: { data: turned(volume.data, volume.shape, turn), shape, affine },
    restore: (other) => ({
      data: turned(other.data, other.shape, inverse(turn)),
      shape: volume.shape,
      affine: volume.affine,
    }),
  };
}

/** Shape and affine that a volume has after {@link toCanonical}. */
export function canonicalGrid({ shape, affine }: Grid): Grid {
  const { from, flip } = turnOf(affine);
  const sizes = [shape[2], shape[1], shape[0]] as const; // width, height, depth
  const turnedAffine = [0, 4, 8].flatMap((row) => {
    const columns = from.map((axis, i) => (flip[i] ? -1 : 1) * (affine[row + axis] ?? 0));
    const shifts = from.map((axis, i) => (flip[i] ? (affine[row + axis] ?? 0) * ((sizes[axis] ?? 1) - 1) : 0));
    return [...columns, (affine[row + 3] ?? 0) + shifts.reduce((sum, shift) => sum + shift)];
  });
  const [width, height, depth] = from.map((axis) => sizes[axis] ?? 1) as [number, number, number];
  return { shape: [depth, height, width], affine: [...turnedAffine, 0, 0, 0, 1] as unknown as Affine };
}

/** Pairs each patient axis with the volume's axis that runs along it most, the clearest pair first. */
function turnOf(affine: Affine): Turn {
  const lengths = [0, 1, 2].map((axis) => Math.hypot(affine[axis] ?? 0, affine[4 + axis] ?? 0, affine[8 + axis] ?? 0));
  const pairs = [0, 1, 2].flatMap((patient) =>
    [0, 1, 2].map((axis) => ({ patient, axis, along: (affine[4 * patient + axis] ?? 0) / (lengths[axis] || 1) })),
  );
  pairs.sort((a, b) => Math.abs(b.along) - Math.abs(a.along));
  const chosen: typeof pairs = [];
  for (const pair of pairs)
    if (!chosen.some(({ patient, axis }) => patient === pair.patient || axis === pair.axis)) chosen.push(pair);
  if (chosen.some(({ along }) => !(Math.abs(along) > 0)))
    throw new DataError(
      `toCanonical: the affine [${affine.join(", ")}] does not say how the axes run in the patient. Mend the header.`,
    );
  chosen.sort((a, b) => a.patient - b.patient);
  return {
    from: chosen.map(({ axis }) => axis) as [number, number, number],
    flip: chosen.map(({ along }) => along < 0) as [boolean, boolean, boolean],
  };
}

const isIdentity = ({ from, flip }: Turn): boolean => from.every((axis, i) => axis === i && !flip[i]);

function inverse({ from, flip }: Turn): Turn {
  const back = [0, 1, 2].map((axis) => from.indexOf(axis));
  return {
    from: back as [number, number, number],
    flip: back.map((i) => flip[i] ?? false) as [boolean, boolean, boolean],
  };
}

function turned<Voxels extends VoxelArray>(data: Voxels, [depth, height, width]: Size3D, { from, flip }: Turn): Voxels {
  const sizes = [width, height, depth];
  const strides = [1, width, width * height];
  const size = from.map((axis) => sizes[axis] ?? 1) as [number, number, number];
  const stride = from.map((axis, i) => (flip[i] ? -1 : 1) * (strides[axis] ?? 1)) as [number, number, number];
  const start = from.reduce((sum, axis, i) => sum + (flip[i] ? (strides[axis] ?? 1) * ((sizes[axis] ?? 1) - 1) : 0), 0);
  const result = new (data.constructor as new (length: number) => Voxels)(sizeOf(size));
  let at = 0;
  for (let z = 0; z < size[2]; z++)
    for (let y = 0; y < size[1]; y++) {
      const row = start + z * stride[2] + y * stride[1];
      for (let x = 0; x < size[0]; x++) result[at++] = data[row + x * stride[0]] as number;
    }
  return result;
}
