/**
 * Where windows begin along one axis: a stride apart, the last moved back so that it ends with the volume.
 *
 *     min(i · stride, size − patch)       i = 0 … ⌈(size − patch) / stride⌉
 *
 * @param size - Voxels along the axis. Not fewer than `patch`.
 */
export function windowStarts(size: number, patch: number, stride: number): number[] {
  const last = size - patch;
  return Array.from({ length: Math.ceil(last / stride) + 1 }, (_, i) => Math.min(i * stride, last));
}
