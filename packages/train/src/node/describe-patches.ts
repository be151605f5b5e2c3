import type { Batch } from "@plseg/data";

/** A patch of a step, in words and numbers that a person can look into. */
export interface PatchDescription {
  /** Identifier of the case. */
  readonly case: string;
  /** The voxel of its first corner along depth, height, width, in the case as it was resampled. */
  readonly origin: readonly number[];
  /** Names of the classes that the case annotates. */
  readonly annotated: readonly string[];
  /** Voxels by name of the class. */
  readonly voxels: Readonly<Record<string, number>>;
  /** Of the voxels that are numbers: how the window made them, in [−1, 1] in sound data. */
  readonly intensity: { readonly min: number; readonly max: number; readonly mean: number };
  /** Voxels that are no finite number. */
  readonly notFinite: number;
}

/** Describes the patches of a batch, for the record of a step that went wrong. */
export function describePatches(
  { image, labels, annotated, sources }: Batch,
  classes: readonly string[],
): PatchDescription[] {
  const size = image.length / sources.length;
  return sources.map(({ id, origin }, n) => {
    const finite = image.subarray(n * size, (n + 1) * size).filter(Number.isFinite);
    const voxels = classes.map(() => 0);
    for (const label of labels.subarray(n * size, (n + 1) * size)) voxels[label] = (voxels[label] ?? 0) + 1;
    return {
      case: id,
      origin,
      annotated: classes.filter((_, c) => c > 0 && annotated[n * classes.length + c]),
      voxels: Object.fromEntries(classes.flatMap((name, c) => (voxels[c] ? [[name, voxels[c]]] : []))),
      intensity: {
        min: finite.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
        max: finite.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
        mean: finite.reduce((sum, value) => sum + value, 0) / finite.length,
      },
      notFinite: size - finite.length,
    };
  });
}
