import { ShapeError } from "./errors.js";

/** Sizes of a tensor's axes, outermost first. */
export type Shape = readonly number[];

/** Sizes (or millimeters, or strides) along depth, height and width: slices, rows, columns. Always in this order. */
export type Size3D = readonly [depth: number, height: number, width: number];

/** `[1, 4, 2]`, as error messages write shapes. */
export const showShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** Number of elements of a shape. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);

/**
 * Two shapes must be equal.
 *
 * @param where - Name of the function that checks, for the message.
 * @throws ShapeError naming both unless they are.
 */
export function checkSameShape(
  where: string,
  first: readonly [name: string, shape: Shape],
  second: readonly [name: string, shape: Shape],
): void {
  const [[nameA, a], [nameB, b]] = [first, second];
  if (a.length === b.length && a.every((size, axis) => size === b[axis])) return;
  throw new ShapeError(
    `${where}: ${nameA} and ${nameB} must have the same shape, got ${showShape(a)} and ${showShape(b)}.`,
  );
}

/**
 * A shape must have one of some numbers of axes.
 *
 * @param where - Name of the function that checks, for the message.
 * @throws ShapeError unless its rank is one of `ranks`.
 */
export function checkRank(
  where: string,
  [name, shape]: readonly [name: string, shape: Shape],
  ranks: readonly number[],
): void {
  if (ranks.includes(shape.length)) return;
  throw new ShapeError(
    `${where}: ${name} must have rank ${ranks.join(" or ")}, got rank ${shape.length} ${showShape(shape)}.`,
  );
}

/**
 * Every one of `sizes` must divide by `step`: a network that halves its input n times needs multiples of 2ⁿ.
 *
 * @throws ShapeError if one does not.
 */
export function checkMultiples(
  where: string,
  [name, sizes]: readonly [name: string, sizes: Shape],
  step: number,
): void {
  if (sizes.every((size) => size > 0 && size % step === 0)) return;
  throw new ShapeError(
    `${where}: ${name} must be multiples of ${step}, got ${showShape(sizes)}. Pad the image or choose another patch size.`,
  );
}
