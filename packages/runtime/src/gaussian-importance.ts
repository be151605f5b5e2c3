import { type Size3D, sizeOf } from "@plseg/core";

/** A patch's side over the standard deviation of its Gaussian. */
const SIDE_OVER_SIGMA = 8;

/**
 * How much a window's prediction counts at each of its voxels: much in the middle, where there is context on all sides,
 * little at the edge. A Gaussian whose standard deviation is an eighth of the patch along each axis.
 *
 *     exp(−½ Σ ((i − (n − 1) / 2) / (n / 8))²)    over depth, height and width, divided by its largest value
 *
 * The largest weight is 1 and the smallest, in a corner, never below e⁻²⁴: no voxel is without a weight. nnU-Net centers
 * its Gaussian on voxel `n / 2`; here it is the true middle, so that a mirrored patch has mirrored weights.
 *
 * @returns `[depth, height, width]`.
 * @see Isensee et al., nnU-Net, Nature Methods 2021 (`compute_gaussian`).
 */
export function gaussianImportance(patchSize: Size3D): Float32Array {
  const [alongDepth, alongHeight, alongWidth] = patchSize.map(profile) as [number[], number[], number[]];
  const importance = new Float32Array(sizeOf(patchSize));
  let voxel = 0;
  for (const z of alongDepth) for (const y of alongHeight) for (const x of alongWidth) importance[voxel++] = z * y * x;
  return importance;
}

/** The Gaussian along one axis of `n` voxels, 1 at its peak. */
function profile(n: number): number[] {
  const sigma = n / SIDE_OVER_SIGMA;
  const exponents = Array.from({ length: n }, (_, i) => -0.5 * ((i - (n - 1) / 2) / sigma) ** 2);
  const peak = Math.max(...exponents);
  return exponents.map((exponent) => Math.exp(exponent - peak));
}
