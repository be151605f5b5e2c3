import type { LabelMap, Volume, VoxelArray } from "@plseg/core";
import { checkSameGrid, milliliterPerVoxel } from "./affine.js";

/** What is known of a label in a scan. */
export interface LabelMeasure {
  /** How many voxels have it. */
  readonly voxels: number;
  /** Their volume. */
  readonly milliliters: number;
  /** Mean of the image over them, for a CT in Hounsfield units; `null` if there are none. */
  readonly mean: number | null;
  /** Standard deviation of the image over them, of all these voxels (not an estimate from a sample); `null` if there are none. */
  readonly standardDeviation: number | null;
}

interface Sums {
  count: number;
  mean: number;
  squares: number;
}

/**
 * Volume and intensities of each label, on the grid of the scan. Mean and standard deviation are summed in one pass
 * that does not lose digits (Welford, Technometrics 4(3), 1962).
 *
 * @param image - The scan.
 * @param map - Labels on the same grid.
 * @param labels - Which to measure.
 * @returns One measure for each of `labels`.
 * @throws DataError if the grids differ.
 */
export function measureLabels(image: Volume<VoxelArray>, map: LabelMap, labels: readonly number[]): LabelMeasure[] {
  checkSameGrid("measureLabels", ["image", image], ["map", map]);
  const sums = new Map(labels.map((label): [number, Sums] => [label, { count: 0, mean: 0, squares: 0 }]));
  for (let voxel = 0; voxel < map.data.length; voxel++) {
    const sum = sums.get(map.data[voxel] as number);
    if (!sum) continue;
    const value = image.data[voxel] as number;
    const difference = value - sum.mean;
    sum.mean += difference / ++sum.count;
    sum.squares += difference * (value - sum.mean);
  }
  const milliliters = milliliterPerVoxel(map);
  return labels.map((label) => {
    const { count, mean, squares } = sums.get(label) as Sums;
    return {
      voxels: count,
      milliliters: count * milliliters,
      mean: count > 0 ? mean : null,
      standardDeviation: count > 0 ? Math.sqrt(squares / count) : null,
    };
  });
}
