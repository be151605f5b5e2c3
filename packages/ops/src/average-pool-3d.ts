import { checkRank, type Size3D, withDefaults } from "@plseg/core";
import { avgPool3d, mul, pad, type Tensor5D, tensor } from "@tensorflow/tfjs-core";
import { checkSize } from "./resize-trilinear.js";

/** Options of {@link averagePool3d}. */
export interface AveragePool3dOptions {
  /** Voxels from one window to the next; the window's size unless told. */
  readonly strides?: Size3D;
  /** `"same"`: a window for every `strides` voxels, which may hang over the border. `"valid"`: those that do not. */
  readonly padding?: "same" | "valid";
}

/** What {@link averagePool3d} uses where an option is missing. Strides are the window's size. */
export const AVERAGE_POOL_3D_DEFAULTS: Required<Omit<AveragePool3dOptions, "strides">> = { padding: "valid" };

/**
 * Average pooling: the mean of each window over those of its voxels that lie in the image.
 *
 * Like `avgPool3d` of TensorFlow.js, whose gradient is wrong for windows that hang over the border, at least on its CPU backend.
 *
 * @param x - `[batch, depth, height, width, channel]`.
 * @param size - Depth, height and width of the window.
 * @throws ShapeError if `x` has another rank, ConfigError if a size or stride is not a whole number of at least 1.
 * @see PyTorch `AvgPool3d(count_include_pad=False)`, with which it agrees for padding `"valid"`.
 */
export function averagePool3d(x: Tensor5D, size: Size3D, options: AveragePool3dOptions = {}): Tensor5D {
  const { strides = size, ...rest } = options;
  const { padding } = withDefaults(AVERAGE_POOL_3D_DEFAULTS, rest);
  checkRank("averagePool3d", ["x", x.shape], [5]);
  checkSize("averagePool3d", size);
  checkSize("averagePool3d", strides);
  if (padding === "valid") return avgPool3d(x, [...size], [...strides], "valid");

  const axes = size.map((window, axis) => {
    const [voxels, stride] = [x.shape[axis + 1] as number, strides[axis] as number];
    const count = Math.ceil(voxels / stride);
    const missing = Math.max((count - 1) * stride + window - voxels, 0);
    const before = Math.floor(missing / 2);
    const shares = Array.from({ length: count }, (_, i) => {
      const start = i * stride - before;
      return window / (Math.min(start + window, voxels) - Math.max(start, 0));
    });
    return { margin: [before, missing - before] as [number, number], shares };
  });
  const [depth, height, width] = axes.map(({ margin }) => margin) as [
    [number, number],
    [number, number],
    [number, number],
  ];
  const means = avgPool3d(pad(x, [[0, 0], depth, height, width, [0, 0]]), [...size], [...strides], "valid");
  return axes.reduce((y, { shares }, axis) => {
    if (shares.every((share) => share === 1)) return y;
    const shape = y.shape.map((_, i) => (i === axis + 1 ? shares.length : 1));
    return mul<Tensor5D>(y, tensor(shares, shape));
  }, means);
}
