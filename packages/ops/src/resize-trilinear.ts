import { ConfigError, checkRank, type Size3D, withDefaults } from "@plseg/core";
import { matMul, reshape, type Tensor5D, tensor2d, transpose } from "@tensorflow/tfjs-core";

/** Options of {@link resizeTrilinear}. */
export interface ResizeTrilinearOptions {
  /** Whether the centers of the outermost voxels stay where they are; otherwise their outer faces do. */
  readonly alignCorners?: boolean;
}

/** What {@link resizeTrilinear} uses where an option is missing. */
export const RESIZE_TRILINEAR_DEFAULTS: Required<ResizeTrilinearOptions> = { alignCorners: true };

/**
 * Trilinear resize to a given size, up or down, without smoothing before a reduction.
 *
 *     source of voxel i of an axis, n → o voxels:   i (n − 1)/(o − 1), and 0 if o = 1        alignCorners
 *                                                   max(0, (i + ½) n/o − ½)                  otherwise
 *
 * Each axis is one product with a constant matrix of at most two entries a row. Axes that shrink come first, so that the
 * least is computed; axes that keep their size cost nothing.
 *
 * @param x - `[batch, depth, height, width, channel]`.
 * @param size - Depth, height and width of the result.
 * @returns `[batch, ...size, channel]`.
 * @throws ShapeError if `x` has another rank, ConfigError if a size is not a whole number of at least 1.
 * @see PyTorch `interpolate(mode="trilinear")`, with which it agrees.
 */
export function resizeTrilinear(x: Tensor5D, size: Size3D, options: ResizeTrilinearOptions = {}): Tensor5D {
  const { alignCorners } = withDefaults(RESIZE_TRILINEAR_DEFAULTS, options);
  checkRank("resizeTrilinear", ["x", x.shape], [5]);
  checkSize("resizeTrilinear", size);

  const axes = [0, 1, 2]
    .map((axis) => ({ axis: axis + 1, from: x.shape[axis + 1] as number, to: size[axis] as number }))
    .filter(({ from, to }) => from !== to)
    .sort((a, b) => 1 / b.to - 1 / b.from - (1 / a.to - 1 / a.from)); // least multiplications: an exchange argument
  if (axes.length === 0) return x;

  let h = x;
  for (const { axis, from, to } of axes) h = resizeAxis(h, axis, interpolationMatrix(from, to, alignCorners));
  return h;
}

/** Throws a ConfigError unless every size is a whole number of at least 1. */
export function checkSize(where: string, size: Size3D): void {
  if (size.every((length) => Number.isInteger(length) && length >= 1)) return;
  throw new ConfigError(`${where}: size must be three whole numbers of at least 1, got [${size.join(", ")}].`);
}

/** Multiplies one axis of x by a `[to, from]` matrix. The axis goes next to the channels, and back: free in a traced graph. */
function resizeAxis(x: Tensor5D, axis: number, matrix: readonly number[][]): Tensor5D {
  const others = [0, 1, 2, 3].filter((other) => other !== axis);
  const there = [...others, axis, 4];
  const back = [0, 1, 2, 3, 4].map((i) => there.indexOf(i));
  const [to, from] = [matrix.length, x.shape[axis] as number];
  const weights = reshape(tensor2d([...matrix], [to, from]), [1, 1, 1, to, from]);
  return transpose(matMul(weights, transpose(x, there)), back) as Tensor5D;
}

/** Row i holds the weights of the source voxels of voxel i. */
function interpolationMatrix(from: number, to: number, alignCorners: boolean): number[][] {
  return Array.from({ length: to }, (_, i) => {
    const source = alignCorners
      ? to === 1
        ? 0
        : (i * (from - 1)) / (to - 1)
      : Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(Math.floor(source), from - 1);
    const high = Math.min(low + 1, from - 1);
    const row = new Array<number>(from).fill(0);
    row[low] = 1 - (source - low);
    row[high] = (row[high] as number) + (source - low);
    return row;
  });
}
