import {
  type Affine,
  type AnnotationState,
  annotationState,
  type ClassSet,
  ConfigError,
  checkSameShape,
  DataError,
  type LabelMap,
  ShapeError,
  type Size3D,
  showShape,
  sizeOf,
  spacingOf,
} from "@plseg/core";
import { assdOf } from "./assd.js";
import { diceOf } from "./dice.js";
import { hausdorff95Of } from "./hausdorff95.js";
import { iouOf } from "./iou.js";
import { checkTolerance, DEFAULT_TOLERANCE, normalizedSurfaceDiceOf } from "./normalized-surface-dice.js";
import type { Overlap } from "./overlap.js";
import { relativeVolumeErrorOf } from "./relative-volume-error.js";
import {
  type Box,
  boxedSurfaceDistances,
  boxSize,
  checkSpacing,
  crop,
  type SurfaceDistances,
} from "./surface-distances.js";

/** The scores of a case, by the names they have on the command line. */
export const METRICS = ["dice", "iou", "assd", "hd95", "nsd", "rve"] as const;

/** `dice`, `iou` and `nsd` in [0, 1], the more the better; `assd` and `hd95` in millimeters and `rve`, the less the better. */
export type Metric = (typeof METRICS)[number];

/** What `evaluateCase` compares. */
export interface EvaluateCaseOptions<M extends Metric = Metric> {
  /** The label map to score, class indices on the grid of the reference. */
  readonly prediction: LabelMap;
  /** Voxels of unannotated classes are labeled background. */
  readonly reference: LabelMap;
  /** What the indices mean. */
  readonly classes: ClassSet;
  /** Per class, background included: whether it was annotated in the whole reference. */
  readonly annotated: readonly boolean[];
  /** Default: all of them. */
  readonly metrics?: readonly M[];
  /** Tolerance of `nsd` in millimeters. Default: 3. */
  readonly tolerance?: number;
}

/** Why a score is `null`. */
export type NoScoreReason =
  | "unannotated"
  | "absent from both"
  | "absent from the reference"
  | "absent from the prediction";

/** What is found about one class in one case. */
export interface ClassScores<M extends Metric = Metric> {
  /** Name of the class. */
  readonly class: string;
  /** Whether the reference has it, does not, or does not say. */
  readonly state: AnnotationState;
  /** `null` where the metric has no value; `reason` says why. */
  readonly scores: Readonly<Record<M, number | null>>;
  /** Why some or all scores are `null`, whichever were asked for; `null` if every metric has a value. */
  readonly reason: NoScoreReason | null;
  /** Voxels of the class in the prediction. */
  readonly predictedVoxels: number;
  /** Voxels of the class in the reference. */
  readonly referenceVoxels: number;
}

/**
 * Scores the foreground classes of a case, only where they are annotated.
 *
 * | prediction | reference | `dice`, `iou`, `nsd` | `assd`, `hd95` | `rve` |
 * | --- | --- | --- | --- | --- |
 * | any | unannotated | null | null | null |
 * | empty | absent | null | null | null |
 * | not empty | absent | 0 | null | null |
 * | empty | present | 0 | null | 1 |
 *
 * `dice` and `iou` are ε / n rather than exactly 0 there (see `dice`).
 *
 * @returns One entry per foreground class, in the order of `classes`.
 * @throws ShapeError if the shapes differ. @throws DataError if the two lie on different grids or hold a label that is
 * no class. @throws ConfigError if `annotated` does not match the classes.
 */
export function evaluateCase<M extends Metric = Metric>({
  prediction,
  reference,
  classes,
  annotated,
  metrics = METRICS as readonly Metric[] as readonly M[],
  tolerance = DEFAULT_TOLERANCE,
}: EvaluateCaseOptions<M>): ClassScores<M>[] {
  checkSameShape("evaluateCase", ["prediction", prediction.shape], ["reference", reference.shape]);
  checkGrid(prediction, reference);
  checkTolerance("evaluateCase", tolerance);
  for (const metric of metrics)
    if (!METRICS.includes(metric))
      throw new ConfigError(`evaluateCase: metrics must be some of ${METRICS.join(", ")}, got "${metric}".`);
  if (annotated.length !== classes.size)
    throw new ConfigError(
      `evaluateCase: annotated must have one entry per class (${classes.size}, background included), got ${annotated.length}.`,
    );
  const spacing = spacingOf(reference.affine);
  checkSpacing("evaluateCase", spacing);
  const regions = labelRegions(prediction, reference, classes);
  return classes.foreground.map((name, index) => {
    const label = index + 1;
    const region = regions[label] as LabelRegion;
    const state = annotationState(annotated[label] === true, region.reference > 0);
    const surfaces = lazily(() => regionDistances(prediction, reference, label, region, spacing));
    const score = (metric: Metric): number | null =>
      state === "unannotated" ? null : scoreOf(metric, region, surfaces, tolerance);
    return {
      class: name,
      state,
      scores: Object.fromEntries(metrics.map((metric) => [metric, score(metric)])) as Record<M, number | null>,
      reason: reasonOf(state, region),
      predictedVoxels: region.predicted,
      referenceVoxels: region.reference,
    };
  });
}

/** Counts of a label in both maps and the smallest box that holds it in both. */
interface LabelRegion extends Overlap {
  readonly box: Box;
}

function scoreOf(
  metric: Metric,
  overlap: Overlap,
  surfaces: () => SurfaceDistances | null,
  tolerance: number,
): number | null {
  switch (metric) {
    case "dice":
      return diceOf(overlap);
    case "iou":
      return iouOf(overlap);
    case "rve":
      return relativeVolumeErrorOf(overlap);
    case "nsd": {
      const distances = surfaces();
      if (distances) return normalizedSurfaceDiceOf(distances, tolerance);
      return overlap.predicted + overlap.reference === 0 ? null : 0;
    }
    case "assd":
    case "hd95": {
      const distances = surfaces();
      return distances && (metric === "assd" ? assdOf(distances) : hausdorff95Of(distances));
    }
  }
}

function reasonOf(state: AnnotationState, { predicted, reference }: Overlap): NoScoreReason | null {
  if (state === "unannotated") return "unannotated";
  if (predicted > 0 && reference > 0) return null;
  if (predicted > 0) return "absent from the reference";
  return reference > 0 ? "absent from the prediction" : "absent from both";
}

function regionDistances(
  prediction: LabelMap,
  reference: LabelMap,
  label: number,
  region: LabelRegion,
  spacing: Size3D,
): SurfaceDistances | null {
  if (region.predicted === 0 || region.reference === 0) return null;
  const mask = ({ data, shape }: LabelMap): Uint8Array => crop(data, shape, region.box, label);
  return boxedSurfaceDistances(mask(prediction), mask(reference), boxSize(region.box), spacing);
}

/** Everything that one pass over both maps can tell, per label. */
function labelRegions(prediction: LabelMap, reference: LabelMap, classes: ClassSet): LabelRegion[] {
  const [depth, height, width] = reference.shape;
  const regions = classes.names.map(() => ({
    predicted: 0,
    reference: 0,
    shared: 0,
    box: { low: [depth, height, width] as [number, number, number], high: [-1, -1, -1] as [number, number, number] },
  }));
  const region = (which: string, label: number): (typeof regions)[number] => {
    const found = regions[label];
    if (found) return found;
    throw new DataError(
      `evaluateCase: the ${which} holds the label ${label}, but the classes are 0 to ${classes.size - 1} (${classes.names.join(", ")}).`,
    );
  };
  // Neighbors in a row are mostly alike, so runs of them are counted at once.
  const [predicted, referenced] = [prediction.data, reference.data];
  for (let z = 0, row = 0; z < depth; z++)
    for (let y = 0; y < height; y++, row += width)
      for (let x = 0; x < width; ) {
        const start = x;
        const predictedLabel = predicted[row + x] as number;
        const referenceLabel = referenced[row + x] as number;
        do x++;
        while (x < width && predicted[row + x] === predictedLabel && referenced[row + x] === referenceLabel);
        if (predictedLabel === 0 && referenceLabel === 0) continue;
        const found = region("prediction", predictedLabel);
        const truth = region("reference", referenceLabel);
        found.predicted += x - start;
        truth.reference += x - start;
        if (found === truth) found.shared += x - start;
        extend(found.box, z, y, start, x - 1);
        if (found !== truth) extend(truth.box, z, y, start, x - 1);
      }
  return regions;
}

/** Makes a box hold the voxels from `first` to `last` of a row. */
function extend(
  { low, high }: { low: [number, number, number]; high: [number, number, number] },
  z: number,
  y: number,
  first: number,
  last: number,
): void {
  if (z < low[0]) low[0] = z;
  if (y < low[1]) low[1] = y;
  if (first < low[2]) low[2] = first;
  if (z > high[0]) high[0] = z;
  if (y > high[1]) high[1] = y;
  if (last > high[2]) high[2] = last;
}

/** Corners may be off by this part of the smallest spacing: headers round to float32. */
const CORNER_TOLERANCE = 0.01;

function checkGrid(prediction: LabelMap, reference: LabelMap): void {
  for (const [name, { data, shape }] of [
    ["prediction", prediction],
    ["reference", reference],
  ] as const)
    if (data.length !== sizeOf(shape))
      throw new ShapeError(
        `evaluateCase: the ${name} of shape ${showShape(shape)} must have ${sizeOf(shape)} voxels, got ${data.length}.`,
      );
  const [depth, height, width] = reference.shape;
  let apart = 0;
  for (const x of [0, width - 1])
    for (const y of [0, height - 1])
      for (const z of [0, depth - 1])
        apart = Math.max(apart, distance(place(prediction.affine, x, y, z), place(reference.affine, x, y, z)));
  if (apart <= CORNER_TOLERANCE * Math.min(...spacingOf(reference.affine))) return;
  throw new DataError(
    `evaluateCase: prediction and reference must lie on the same grid, but their corners are up to ${apart.toFixed(3)} mm apart. Resample the prediction to the reference.`,
  );
}

function place(affine: Affine, x: number, y: number, z: number): [number, number, number] {
  const row = (start: 0 | 4 | 8): number =>
    affine[start] * x +
    (affine[start + 1] as number) * y +
    (affine[start + 2] as number) * z +
    (affine[start + 3] as number);
  return [row(0), row(4), row(8)];
}

function distance(a: readonly [number, number, number], b: readonly [number, number, number]): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function lazily<T>(compute: () => T): () => T {
  let known: { value: T } | undefined;
  return () => {
    known ??= { value: compute() };
    return known.value;
  };
}
