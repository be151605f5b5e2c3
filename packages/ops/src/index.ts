export { AVERAGE_POOL_3D_DEFAULTS, type AveragePool3dOptions, averagePool3d } from "./average-pool-3d.js";
export {
  BATCH_NORM_3D_DEFAULTS,
  type BatchNorm3dOptions,
  type BatchNorm3dResult,
  type BatchNorm3dStatistics,
  batchNorm3d,
  batchNorm3dInference,
  type ChannelStatistics,
  updateRunningStatistics,
} from "./batch-norm-3d.js";
export { CONV_TRANSPOSE_3D_DEFAULTS, type ConvTranspose3dOptions, convTranspose3d } from "./conv-transpose-3d.js";
export { dropout, SEED_LIMIT } from "./dropout.js";
export { GROUP_NORM_3D_DEFAULTS, type GroupNorm3dOptions, groupNorm3d } from "./group-norm-3d.js";
export { instanceNorm3d } from "./instance-norm-3d.js";
export { resizeNearest } from "./resize-nearest.js";
export { RESIZE_TRILINEAR_DEFAULTS, type ResizeTrilinearOptions, resizeTrilinear } from "./resize-trilinear.js";
export { standardizeKernel } from "./standardize-kernel.js";
export { stopGradient } from "./stop-gradient.js";
export { untaped } from "./untaped.js";
export { type ValueAndGradients, valueAndGradients } from "./value-and-gradients.js";
