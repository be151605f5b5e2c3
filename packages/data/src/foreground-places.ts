import { Random, ShapeError } from "@plseg/core";

/** What {@link foregroundPlaces} looks at. */
export interface LabeledVoxels {
  /** Name of the case: its places are always the same. */
  readonly id: string;
  /** Class indices. */
  readonly labels: Uint8Array | Uint16Array;
  /** Whether each class was annotated, by class index. */
  readonly annotated: readonly boolean[];
}

/** Where the classes of a case lie. */
export interface ForegroundPlaces {
  /** By class index: voxels of the class in memory order, ascending; none for the background and unannotated classes. */
  readonly places: readonly Uint32Array[];
  /** By class index: how many voxels carry the label, background included. */
  readonly voxels: readonly number[];
}

/** Most places remembered of a class in a case. More would not be drawn more evenly, only take more memory. */
const REMEMBERED = 10_000;

/**
 * Places of the voxels of each annotated class, thinned evenly, at random, to at most 10,000 per class, so that a sampler
 * can draw a voxel of a class without a look at the labels.
 *
 * @throws ShapeError if a label is not less than the number of classes.
 */
export function foregroundPlaces({ id, labels, annotated }: LabeledVoxels): ForegroundPlaces {
  const voxels = new Array<number>(annotated.length).fill(0);
  for (let i = 0; i < labels.length; i++) {
    const index = labels[i] as number;
    if (index >= annotated.length)
      throw new ShapeError(
        `patchSampler: labels of ${id} must be less than ${annotated.length}, got ${index} at voxel ${i}.`,
      );
    voxels[index] = (voxels[index] as number) + 1;
  }
  const random = Random.of("places", id);
  const wanted = annotated.map((known, index) => (known && index > 0 ? Math.min(voxels[index] ?? 0, REMEMBERED) : 0));
  const stride = wanted.map((count, index) => (voxels[index] ?? 0) / Math.max(count, 1));
  const places = wanted.map((count) => new Uint32Array(count));
  const taken = wanted.map(() => 0);
  const seen = wanted.map(() => 0);
  const next = stride.map((step) => Math.floor(random.uniform(0, step)));
  for (let i = 0; i < labels.length; i++) {
    const index = labels[i] as number;
    const have = taken[index] as number;
    if (have >= (wanted[index] as number)) continue;
    const at = seen[index] as number;
    seen[index] = at + 1;
    if (at < (next[index] as number)) continue;
    (places[index] as Uint32Array)[have] = i;
    taken[index] = have + 1;
    // One place in each of `wanted` stretches of equal length.
    next[index] = Math.floor((have + 1 + random.uniform()) * (stride[index] as number));
  }
  return { places: places.map((list, index) => list.slice(0, taken[index])), voxels };
}
