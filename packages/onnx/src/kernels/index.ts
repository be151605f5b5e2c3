import { ACTIVATION_KERNELS } from "./activation.js";
import { ARITHMETIC_KERNELS } from "./arithmetic.js";
import { CONVOLUTION_KERNELS } from "./convolution.js";
import { CONVOLUTION_2D_KERNELS } from "./convolution-2d.js";
import { CREATION_KERNELS } from "./creation.js";
import { DILATION_KERNELS } from "./dilation.js";
import { IMAGE_RESIZE_KERNELS } from "./image-resize.js";
import { IMAGE_SAMPLING_KERNELS } from "./image-sampling.js";
import { INDEXING_KERNELS } from "./indexing.js";
import type { KernelTable } from "./kernel.js";
import { MATMUL_KERNELS } from "./matmul.js";
import { NORMALIZATION_KERNELS } from "./normalization.js";
import { POOLING_KERNELS } from "./pooling.js";
import { POOLING_2D_KERNELS } from "./pooling-2d.js";
import { REDUCTION_KERNELS } from "./reduction.js";
import { SCAN_KERNELS } from "./scan.js";
import { SHAPING_KERNELS } from "./shaping.js";
import { UNARY_KERNELS } from "./unary.js";

/** Kernels by kind, in words. */
export const KERNEL_KINDS: Readonly<Record<string, KernelTable>> = {
  "two or more numbers, place by place": ARITHMETIC_KERNELS,
  "one number, place by place": UNARY_KERNELS,
  activations: ACTIVATION_KERNELS,
  "over axes": REDUCTION_KERNELS,
  "along an axis": SCAN_KERNELS,
  "shapes and places": SHAPING_KERNELS,
  "places that tensors give": INDEXING_KERNELS,
  "new tensors": CREATION_KERNELS,
  matrices: MATMUL_KERNELS,
  "3-D convolution": CONVOLUTION_KERNELS,
  "2-D and depthwise convolution": CONVOLUTION_2D_KERNELS,
  "3-D max pooling": POOLING_KERNELS,
  "2-D pooling, and average pooling": POOLING_2D_KERNELS,
  "grayscale dilation": DILATION_KERNELS,
  normalization: NORMALIZATION_KERNELS,
  "resizing pictures": IMAGE_RESIZE_KERNELS,
  "sampling pictures": IMAGE_SAMPLING_KERNELS,
};

/** Every tfjs kernel that can be traced. */
export const KERNELS: KernelTable = Object.assign({}, ...Object.values(KERNEL_KINDS));
