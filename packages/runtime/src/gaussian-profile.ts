/** A patch's side over the standard deviation of its Gaussian. */
const SIDE_OVER_SIGMA = 8;

/**
 * How much a window's prediction counts at each of its voxels, along one axis: much in the middle, where there is context on
 * both sides, little at the edge. A Gaussian whose standard deviation is an eighth of the patch. What a window counts at a
 * voxel is the product over the three axes.
 *
 *     exp(−½ ((i − (n − 1) / 2) / (n / 8))²)    divided by its largest value
 *
 * The largest weight is 1 and the smallest, at the ends, never below e⁻⁸: no voxel is without a weight. nnU-Net centers
 * its Gaussian on voxel `n / 2`; here it is the true middle, so that a mirrored patch has mirrored weights.
 *
 * @param n - Voxels of the patch along the axis.
 * @see Isensee et al., nnU-Net, Nature Methods 2021 (`compute_gaussian`).
 */
export function gaussianProfile(n: number): number[] {
  const sigma = n / SIDE_OVER_SIGMA;
  const exponents = Array.from({ length: n }, (_, i) => -0.5 * ((i - (n - 1) / 2) / sigma) ** 2);
  const peak = Math.max(...exponents);
  return exponents.map((exponent) => Math.exp(exponent - peak));
}
