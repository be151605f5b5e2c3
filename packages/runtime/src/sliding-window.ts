import { ConfigError, DataError, ShapeError, type Size3D, showShape, sizeOf, withDefaults } from "@plseg/core";
import { gaussianImportance } from "./gaussian-importance.js";
import { windowStarts } from "./window-starts.js";

/** How windows overlap and are joined. */
export interface SlidingWindowJoining {
  /** Part of a window, along each axis, that the next window covers again, in [0, 1). */
  readonly overlap?: number;
  /** Whether windows count most in their middle ({@link gaussianImportance}) or the same everywhere. */
  readonly weighting?: "gaussian" | "uniform";
}

/** What may be watched and stopped while windows are visited. */
export interface SlidingWindowWatching {
  /** Called after each window. */
  readonly onProgress?: (done: number, total: number) => void;
  /**
   * Called once for each slice of the volume, in order, with its probabilities `[class, height, width]`. The array is
   * used again for the next slice: copy what is to stay.
   */
  readonly onSlice?: (slice: number, probabilities: Float32Array) => void;
  /** Stops before the next window; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options of {@link slidingWindow}. */
export interface SlidingWindowOptions extends SlidingWindowJoining, SlidingWindowWatching {
  /** Intensities as the network wants them, `[depth, height, width]`. */
  readonly image: Float32Array;
  /** Voxels of the image along depth, height, width. */
  readonly shape: Size3D;
  /** Voxels of a window along depth, height, width. */
  readonly patchSize: Size3D;
  /** Classes, background included. */
  readonly classes: number;
  /**
   * Probabilities `[class, depth, height, width]` of a patch `[depth, height, width]`. The patch's array is used again
   * once the promise is settled.
   */
  readonly predict: (patch: Float32Array) => Promise<Float32Array>;
}

/** What {@link slidingWindow} uses where an option is missing. */
export const SLIDING_WINDOW_DEFAULTS: Required<SlidingWindowJoining> = { overlap: 0.5, weighting: "gaussian" };

/** What the volume is continued with where it is smaller than a patch: air, the lower end of every intensity window. */
const AIR = -1;

/**
 * Segments a volume of any size by a network of one patch size: windows that overlap, the weighted mean of their
 * probabilities, and the likeliest class of each voxel. A volume smaller than the patch is continued with air on both
 * sides.
 *
 * Windows are visited from the first slice to the last, and a slice that no later window reaches is decided at once. So
 * the memory needed beside image and labels is that of `patchSize[0]` slices with `classes + 1` numbers per voxel,
 * however many slices there are.
 *
 * @returns Class indices `[depth, height, width]`, as bytes if there are at most 256 classes.
 * @throws ShapeError if the image does not fill its shape, or a prediction has another size; ConfigError if an option
 * cannot be; DataError if a prediction is not a number.
 */
export async function slidingWindow(options: SlidingWindowOptions): Promise<Uint8Array | Uint16Array> {
  const { image, shape, patchSize, classes, predict, onProgress, onSlice, signal } = options;
  const { overlap, weighting } = withDefaults<SlidingWindowJoining>(SLIDING_WINDOW_DEFAULTS, options);
  checkOptions(options, overlap);
  const grid = surroundingGrid(shape, patchSize);
  const starts = grid.shape.map((size, axis) => {
    const patch = patchSize[axis] as number;
    return windowStarts(size, patch, Math.max(1, Math.round(patch * (1 - overlap))));
  }) as [number[], number[], number[]];
  const windows = starts[0].length * starts[1].length * starts[2].length;
  const importance =
    weighting === "gaussian" ? gaussianImportance(patchSize) : new Float32Array(sizeOf(patchSize)).fill(1);
  const slab = new Slab(grid.shape, patchSize, classes, importance);
  const labels = classes <= 256 ? new Uint8Array(sizeOf(shape)) : new Uint16Array(sizeOf(shape));
  const patch = new Float32Array(sizeOf(patchSize));

  let done = 0;
  for (const [i, z] of starts[0].entries()) {
    for (const y of starts[1])
      for (const x of starts[2]) {
        signal?.throwIfAborted();
        cutPatch(patch, image, shape, patchSize, [z - grid.before[0], y - grid.before[1], x - grid.before[2]]);
        slab.add(await predict(patch), [z, y, x]);
        onProgress?.(++done, windows);
      }
    for (let slice = z; slice < (starts[0][i + 1] ?? grid.shape[0]); slice++) {
      const inside = slice - grid.before[0];
      if (inside >= 0 && inside < shape[0]) slab.decide(slice, { labels, shape, before: grid.before, onSlice });
      slab.clear(slice);
    }
  }
  return labels;
}

function checkOptions({ image, shape, patchSize, classes }: SlidingWindowOptions, overlap: number): void {
  if (![...shape, ...patchSize].every((size) => Number.isInteger(size) && size > 0))
    throw new ConfigError(
      `slidingWindow: shape and patchSize must be whole numbers above 0, got ${showShape(shape)} and ${showShape(patchSize)}.`,
    );
  if (image.length !== sizeOf(shape))
    throw new ShapeError(
      `slidingWindow: image must hold ${sizeOf(shape)} voxels (${showShape(shape)}), got ${image.length}.`,
    );
  if (!Number.isInteger(classes) || classes < 2 || classes > 65_536)
    throw new ConfigError(`slidingWindow: classes must be a whole number from 2 to 65536, got ${classes}.`);
  if (!(overlap >= 0 && overlap < 1))
    throw new ConfigError(`slidingWindow: overlap must lie in [0, 1), got ${overlap}.`);
}

/** The volume, grown to the size of a patch where it is smaller, and what was put before it along each axis. */
function surroundingGrid(shape: Size3D, patchSize: Size3D): { shape: Size3D; before: Size3D } {
  const grown = shape.map((size, axis) => Math.max(size, patchSize[axis] as number));
  const before = grown.map((size, axis) => Math.floor((size - (shape[axis] as number)) / 2));
  return { shape: grown as unknown as Size3D, before: before as unknown as Size3D };
}

/** Copies a patch out of the image; `from` may lie outside, and what does is air. */
function cutPatch(
  patch: Float32Array,
  image: Float32Array,
  [depth, height, width]: Size3D,
  [patchDepth, patchHeight, patchWidth]: Size3D,
  [fromDepth, fromHeight, fromWidth]: Size3D,
): void {
  const first = Math.max(0, fromWidth);
  const end = Math.min(width, fromWidth + patchWidth);
  let at = 0;
  for (let z = fromDepth; z < fromDepth + patchDepth; z++)
    for (let y = fromHeight; y < fromHeight + patchHeight; y++, at += patchWidth) {
      if (end - first < patchWidth || z < 0 || y < 0 || z >= depth || y >= height) patch.fill(AIR, at, at + patchWidth);
      if (z < 0 || y < 0 || z >= depth || y >= height) continue;
      const row = (z * height + y) * width;
      patch.set(image.subarray(row + first, row + end), at + first - fromWidth);
    }
}

/** Where decided slices go. */
interface Decided {
  readonly labels: Uint8Array | Uint16Array;
  readonly shape: Size3D;
  /** Voxels before the volume along each axis of the slab's grid. */
  readonly before: Size3D;
  readonly onSlice: SlidingWindowWatching["onSlice"] | undefined;
}

/** Weighted sums of as many slices as a patch is deep. Slice `z` lies at place `z mod patchDepth`. */
class Slab {
  private readonly patchSize: Size3D;
  private readonly classes: number;
  private readonly importance: Float32Array;
  private readonly height: number;
  private readonly width: number;
  /** `[class, place, height, width]` */
  private readonly sums: Float32Array;
  /** `[place, height, width]` */
  private readonly weights: Float32Array;
  /** `[class, height, width]`, the probabilities of one slice. */
  private slice: Float32Array | undefined;

  constructor([, height, width]: Size3D, patchSize: Size3D, classes: number, importance: Float32Array) {
    this.patchSize = patchSize;
    this.classes = classes;
    this.importance = importance;
    this.height = height;
    this.width = width;
    this.weights = new Float32Array(patchSize[0] * height * width);
    this.sums = new Float32Array(classes * this.weights.length);
  }

  /** Adds a window's probabilities `[class, depth, height, width]` at its place in the grid. */
  add(probabilities: Float32Array, from: Size3D): void {
    const { importance, classes, sums, weights } = this;
    if (probabilities.length !== classes * importance.length)
      throw new ShapeError(
        `slidingWindow: predict must give ${classes * importance.length} numbers (${showShape([classes, ...this.patchSize])}), got ${probabilities.length}.`,
      );
    for (let c = 0; c < classes; c++) {
      const values = probabilities.subarray(c * importance.length, (c + 1) * importance.length);
      this.eachRow(from, (at, row, width) => {
        const to = c * weights.length + row;
        for (let x = 0; x < width; x++)
          sums[to + x] = (sums[to + x] as number) + (importance[at + x] as number) * (values[at + x] as number);
      });
    }
    this.eachRow(from, (at, row, width) => {
      for (let x = 0; x < width; x++) weights[row + x] = (weights[row + x] as number) + (importance[at + x] as number);
    });
  }

  /** Writes the likeliest class of each voxel of a slice that is complete; the first of those that are equal. */
  decide(slice: number, { labels, shape: [, height, width], before, onSlice }: Decided): void {
    const inside = slice - before[0];
    const place = (slice % this.patchSize[0]) * this.height * this.width;
    if (onSlice) this.slice ??= new Float32Array(this.classes * height * width);
    for (let y = 0; y < height; y++) {
      const from = place + (y + before[1]) * this.width + before[2];
      const to = (inside * height + y) * width;
      for (let x = 0; x < width; x++) {
        const total = this.weights[from + x] as number;
        let [best, largest] = [0, Number.NEGATIVE_INFINITY];
        for (let c = 0; c < this.classes; c++) {
          const sum = this.sums[c * this.weights.length + from + x] as number;
          if (Number.isNaN(sum))
            throw new DataError(
              "slidingWindow: a predicted probability is not a number. The weights or the image are damaged.",
            );
          if (sum > largest) [best, largest] = [c, sum];
          if (this.slice) this.slice[(c * height + y) * width + x] = sum / total;
        }
        labels[to + x] = best;
      }
    }
    if (onSlice && this.slice) onSlice(inside, this.slice);
  }

  /** Makes the place of a slice free for the one `patchDepth` slices further. */
  clear(slice: number): void {
    const size = this.height * this.width;
    const place = (slice % this.patchSize[0]) * size;
    this.weights.fill(0, place, place + size);
    for (let c = 0; c < this.classes; c++)
      this.sums.fill(0, c * this.weights.length + place, c * this.weights.length + place + size);
  }

  /** Visits a window row by row: where the row begins in the patch and, within one class, in the slab. */
  private eachRow([z, y, x]: Size3D, visit: (inPatch: number, inSlab: number, width: number) => void): void {
    const [depth, height, width] = this.patchSize;
    for (let k = 0; k < depth; k++)
      for (let j = 0; j < height; j++)
        visit((k * height + j) * width, (((z + k) % depth) * this.height + y + j) * this.width + x, width);
  }
}
