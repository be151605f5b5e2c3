import { ACTIVATION_KERNELS } from "./activation.js";
import { CONVOLUTION_KERNELS } from "./convolution.js";
import { CONVOLUTION_2D_KERNELS } from "./convolution-2d.js";
import { ELEMENTWISE_KERNELS } from "./elementwise.js";
import type { KernelTable } from "./kernel.js";
import { MATMUL_KERNELS } from "./matmul.js";
import { POOLING_KERNELS } from "./pooling.js";
import { REDUCTION_KERNELS } from "./reduction.js";
import { SHAPING_KERNELS } from "./shaping.js";

/** Every tfjs kernel that can be traced. */
export const KERNELS: KernelTable = {
  ...ELEMENTWISE_KERNELS,
  ...ACTIVATION_KERNELS,
  ...REDUCTION_KERNELS,
  ...SHAPING_KERNELS,
  ...MATMUL_KERNELS,
  ...CONVOLUTION_KERNELS,
  ...CONVOLUTION_2D_KERNELS,
  ...POOLING_KERNELS,
};
