import type { Size3D } from "@plseg/core";

/** What a plan is made from: the numbers of a dataset, without a voxel of it. */
export interface Fingerprint {
  /** Of what follows. */
  readonly version: 1;
  /** The labeled training cases. */
  readonly cases: readonly FingerprintCase[];
  /** Of the voxels of annotated organs, as many from each case; `null` if there are none. */
  readonly intensity: FingerprintIntensity | null;
  /** Every class besides the background. */
  readonly classes: readonly FingerprintClass[];
}

/** A case of a {@link Fingerprint}, in canonical orientation. */
export interface FingerprintCase {
  /** Name of the case. */
  readonly id: string;
  /** Voxels along depth, height, width after cropping to the body. */
  readonly shape: Size3D;
  /** Millimeters between voxels along depth, height, width. */
  readonly spacing: Size3D;
}

/** Intensities of annotated organs, in Hounsfield units. */
export interface FingerprintIntensity {
  /** Smaller than all but 0.5 % of the values. */
  readonly percentile00_5: number;
  /** Larger than all but 0.5 % of the values. */
  readonly percentile99_5: number;
  /** Mean of the values. */
  readonly mean: number;
  /** Their standard deviation. */
  readonly deviation: number;
}

/** A class of a {@link Fingerprint}. */
export interface FingerprintClass {
  /** Of the class. */
  readonly name: string;
  /** In how many cases it is annotated. */
  readonly annotatedCases: number;
  /** In how many of them it is there. */
  readonly presentCases: number;
  /** Its voxels over the cases that annotate it. */
  readonly voxels: number;
}

/** Intensities in a few numbers. @param values - Sorted in place. */
export function describeIntensities(values: Float32Array): FingerprintIntensity | null {
  if (values.length === 0) return null;
  values.sort();
  let [sum, squares] = [0, 0];
  for (const value of values) sum += value;
  const mean = sum / values.length;
  for (const value of values) squares += (value - mean) ** 2;
  return {
    percentile00_5: percentile(values, 0.5),
    percentile99_5: percentile(values, 99.5),
    mean,
    deviation: Math.sqrt(squares / values.length),
  };
}

/** Linear between the two nearest of the sorted values, as NumPy's. */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const at = ((sorted.length - 1) * percent) / 100;
  const [low, high] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0];
  return low + (high - low) * (at - Math.floor(at));
}
