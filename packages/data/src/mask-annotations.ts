import { type ClassSet, ConfigError, type LabelMap, Random } from "@plseg/core";
import type { AnnotationManifest } from "./annotations.js";

/** Options of {@link maskAnnotations}. */
export interface MaskAnnotationsOptions {
  /** Names of the cases. */
  readonly cases: readonly string[];
  /** The classes of the dataset. */
  readonly classes: ClassSet;
  /** How many classes stay annotated in each case, the background not counted. */
  readonly keep: number;
  /** The same seed keeps the same classes. */
  readonly seed: number;
  /** Which classes are annotated in each case, if not all are: others are not kept. */
  readonly annotated?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Simulates an annotation budget: which `keep` classes stay annotated in each case. Balanced: over all cases no class is
 * annotated more than once more often than another. Which classes meet in a case is random. Where not every class is
 * annotated, a case with fewer than `keep` keeps all that it has, and the balance is as good as that allows.
 *
 * @throws ConfigError unless `keep` is a whole number from 1 to the number of foreground classes.
 */
export function maskAnnotations({
  cases,
  classes,
  keep,
  seed,
  annotated: had,
}: MaskAnnotationsOptions): AnnotationManifest {
  const { foreground } = classes;
  if (!(Number.isInteger(keep) && keep >= 1 && keep <= foreground.length))
    throw new ConfigError(`maskAnnotations: keep must be a whole number from 1 to ${foreground.length}, got ${keep}.`);
  const random = Random.of("mask-annotations", seed);
  const given = new Map(foreground.map((name) => [name, 0]));
  const chosen = new Map<string, readonly string[]>();
  for (const id of random.shuffle(cases)) {
    // The classes given least often so far, ties in random order.
    const annotated = random
      .shuffle(foreground)
      .filter((name) => had?.[id]?.includes(name) ?? true)
      .sort((a, b) => (given.get(a) ?? 0) - (given.get(b) ?? 0))
      .slice(0, keep);
    for (const name of annotated) given.set(name, (given.get(name) ?? 0) + 1);
    chosen.set(
      id,
      foreground.filter((name) => annotated.includes(name)),
    );
  }
  const entries = cases.map((id) => [id, { annotated: chosen.get(id) ?? [] }] as const);
  return { version: 1, classes: classes.names, cases: Object.fromEntries(entries) };
}

/** A label map in which voxels of unannotated classes are background (0). `annotated` is by class index. */
export function hideUnannotated(labels: LabelMap, annotated: readonly boolean[]): LabelMap {
  return { ...labels, data: labels.data.map((index) => (annotated[index] ? index : 0)) };
}
