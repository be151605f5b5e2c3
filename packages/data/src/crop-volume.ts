import { type Affine, ShapeError, type Size3D, showShape, sizeOf, type Volume, type VoxelArray } from "@plseg/core";
import type { Grid } from "./affine.js";

/** A part of a volume, in voxels. */
export interface VoxelBox {
  /** First slice, row, column. */
  readonly origin: Size3D;
  /** Voxels along depth, height, width. */
  readonly shape: Size3D;
}

/** The grid of a box of another grid. @throws ShapeError unless the box lies inside. */
export function cropGrid({ shape, affine }: Grid, box: VoxelBox): Grid {
  checkBox("cropGrid", shape, box);
  const [z, y, x] = box.origin;
  const moved = [0, 4, 8].flatMap((row) => {
    const [a = 0, b = 0, c = 0, o = 0] = affine.slice(row, row + 4);
    return [a, b, c, a * x + b * y + c * z + o];
  });
  return { shape: box.shape, affine: [...moved, 0, 0, 0, 1] as unknown as Affine };
}

/** A box of a volume, in its place in the patient. @throws ShapeError unless the box lies inside. */
export function cropVolume<Voxels extends VoxelArray>(volume: Volume<Voxels>, box: VoxelBox): Volume<Voxels> {
  const grid = cropGrid(volume, box);
  const data = likeArray(volume.data, sizeOf(box.shape));
  eachRow(volume.shape, box, (outer, inner) => data.set(volume.data.subarray(outer, outer + box.shape[2]), inner));
  return { data, ...grid };
}

/**
 * Puts a part back where {@link cropVolume} took it from; `fill` is around it.
 *
 * @throws ShapeError unless the box lies inside the grid and has the shape of the part.
 */
export function pasteVolume<Voxels extends VoxelArray>(
  part: Volume<Voxels>,
  grid: Grid,
  box: VoxelBox,
  fill = 0,
): Volume<Voxels> {
  checkBox("pasteVolume", grid.shape, box);
  if (sizeOf(box.shape) !== part.data.length || part.shape.some((size, axis) => size !== box.shape[axis]))
    throw new ShapeError(
      `pasteVolume: the part must have the shape of the box, got ${showShape(part.shape)} and ${showShape(box.shape)}.`,
    );
  const data = likeArray(part.data, sizeOf(grid.shape));
  if (fill !== 0) data.fill(fill);
  eachRow(grid.shape, box, (outer, inner) => data.set(part.data.subarray(inner, inner + box.shape[2]), outer));
  return { data, shape: grid.shape, affine: grid.affine };
}

function checkBox(where: string, shape: Size3D, { origin, shape: size }: VoxelBox): void {
  const inside = [0, 1, 2].every((axis) => {
    const [from = 0, count = 0, whole = 0] = [origin[axis], size[axis], shape[axis]];
    return Number.isInteger(from) && Number.isInteger(count) && from >= 0 && count > 0 && from + count <= whole;
  });
  if (inside) return;
  throw new ShapeError(
    `${where}: the box must lie inside ${showShape(shape)} (depth, height, width), got origin ${showShape(origin)}, shape ${showShape(size)}.`,
  );
}

function likeArray<Voxels extends VoxelArray>(data: Voxels, length: number): Voxels {
  return new (data.constructor as new (length: number) => Voxels)(length);
}

/** Where each row of the box starts in the volume and in the box. */
function eachRow(
  [, height, width]: Size3D,
  { origin, shape }: VoxelBox,
  use: (outer: number, inner: number) => void,
): void {
  const [z0, y0, x0] = origin;
  for (let z = 0; z < shape[0]; z++)
    for (let y = 0; y < shape[1]; y++) use(((z0 + z) * height + y0 + y) * width + x0, (z * shape[1] + y) * shape[2]);
}
