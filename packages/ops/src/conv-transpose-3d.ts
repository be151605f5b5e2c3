import { checkRank, ShapeError, type Size3D, withDefaults } from "@plseg/core";
import {
  Conv3DBackpropFilterV2,
  conv3d,
  conv3dTranspose,
  customGrad,
  engine,
  type GradSaveFunc,
  matMul,
  reshape,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
  transpose,
} from "@tensorflow/tfjs-core";

/** Options of {@link convTranspose3d}. */
export interface ConvTranspose3dOptions {
  /** Voxels from one kernel to the next: depth, height, width. The size of the kernel unless told. */
  readonly strides?: Size3D;
  /** `"valid"` keeps what the last kernels reach beyond; `"same"` gives `strides` times the size of `x`. */
  readonly padding?: "same" | "valid";
}

/** What {@link convTranspose3d} uses where an option is missing. Strides are the size of the kernel. */
export const CONV_TRANSPOSE_3D_DEFAULTS: Required<Omit<ConvTranspose3dOptions, "strides">> = { padding: "valid" };

/**
 * Transposed convolution: every voxel adds its kernel to the result, one `stride` from the next.
 *
 *     y[s·v + k, o] = Σ_c x[v, c] · kernel[k, o, c]          summed where kernels overlap
 *
 * With strides of the size of the kernel every voxel becomes a block: one matrix product and one reordering. Otherwise it
 * is `conv3dTranspose` of tfjs, with the gradients that it lacks there: convolutions with the same strides.
 *
 * @param x - `[batch, depth, height, width, in]`.
 * @param kernel - `[kD, kH, kW, out, in]`: as tfjs' transposed convolutions take it.
 * @returns `[batch, ...size, out]`, with the default strides `[batch, kD · depth, kH · height, kW · width, out]`.
 * @throws ShapeError if the ranks or the channels do not fit.
 * @see PyTorch `ConvTranspose3d` without padding, with which it agrees for `"valid"`.
 */
export function convTranspose3d(x: Tensor5D, kernel: Tensor5D, options: ConvTranspose3dOptions = {}): Tensor5D {
  checkRank("convTranspose3d", ["x", x.shape], [5]);
  checkRank("convTranspose3d", ["kernel", kernel.shape], [5]);
  const { strides: given, ...rest } = options;
  const { padding } = withDefaults(CONV_TRANSPOSE_3D_DEFAULTS, rest);
  const taps = kernel.shape.slice(0, 3) as [number, number, number];
  const strides: [number, number, number] = given ? [...given] : taps;
  const [channels, from] = [x.shape[4], kernel.shape[4]];
  if (from !== channels)
    throw new ShapeError(
      `convTranspose3d: kernel takes ${from} channels, but x has ${channels}. Its shape is [depth, height, width, out, in].`,
    );
  return strides.every((stride, axis) => stride === taps[axis])
    ? blocks(x, kernel)
    : overlapping(x, kernel, strides, padding);
}

function blocks(x: Tensor5D, kernel: Tensor5D): Tensor5D {
  const [batch, depth, height, width, channels] = x.shape;
  const [kD, kH, kW, to] = kernel.shape;
  const rows = reshape(x, [batch * depth * height * width, channels]) as Tensor2D;
  const matrix = reshape(kernel, [kD * kH * kW * to, channels]) as Tensor2D;
  const parts = reshape(matMul(rows, matrix, false, true), [batch * depth, height, width, kD, kH, kW * to]);
  return reshape(transpose(parts, [0, 3, 1, 4, 2, 5]), [batch, kD * depth, kH * height, kW * width, to]);
}

function overlapping(
  x: Tensor5D,
  kernel: Tensor5D,
  strides: [number, number, number],
  padding: "same" | "valid",
): Tensor5D {
  const size = strides.map((stride, axis) => {
    const [voxels, taps] = [x.shape[axis + 1] as number, kernel.shape[axis] as number];
    return padding === "same" ? voxels * stride : (voxels - 1) * stride + taps;
  }) as [number, number, number];
  const operation = customGrad<Tensor5D>((...args) => {
    const [x, kernel, save] = args as unknown as [Tensor5D, Tensor5D, GradSaveFunc];
    save([x, kernel]);
    return {
      value: conv3dTranspose(x, kernel, [x.shape[0], ...size, kernel.shape[3]], strides, padding),
      gradFunc: (dy: Tensor5D, saved: Tensor[]) => {
        const [x, kernel] = saved as [Tensor5D, Tensor5D];
        const attributes = { strides, pad: padding, filterShape: kernel.shape };
        const dKernel: Tensor5D = engine().runKernel(Conv3DBackpropFilterV2, { x: dy, dy: x }, attributes);
        return [conv3d(dy, kernel, strides, padding), dKernel];
      },
    };
  });
  return operation(x, kernel);
}
