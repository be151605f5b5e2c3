import {
  ConfigError,
  checkChoice,
  DataError,
  ShapeError,
  type Size3D,
  showShape,
  sizeOf,
  withDefaults,
} from "@plseg/core";
import { gaussianProfile } from "./gaussian-profile.js";
import { windowStarts } from "./window-starts.js";

/** An axis of a volume. */
export type MirrorAxis = "depth" | "height" | "width";

/** Which windows are predicted, and how they overlap and are joined. */
export interface SlidingWindowJoining {
  /** Part of a window, along each axis, that the next window covers again, in [0, 1). */
  readonly overlap?: number;
  /** Whether windows count most in their middle ({@link gaussianProfile}) or the same everywhere. */
  readonly weighting?: "gaussian" | "uniform";
  /**
   * Axes along which windows are also predicted mirrored. The answers of all combinations, 2, 4 or 8 times as many, are
   * turned back and averaged. Only of use if the network was trained on mirrored scans.
   */
  readonly mirror?: readonly MirrorAxis[];
  /**
   * Whether windows that hold nothing but air, −1 in every voxel, are background without being predicted. They tell a network
   * nothing. A voxel that other windows cover too gets the weighted mean with theirs.
   */
  readonly skipOutside?: boolean;
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
  /** Windows that `predict` takes at a time; 1 unless told. The last time some may be leftovers whose answers do not count. */
  readonly batch?: number;
  /**
   * Probabilities of patches `[batch, depth, height, width]`: either `[batch, class, depth, height, width]`, or arrays that
   * hold the slices `[class, height, width]` of one patch after the other. In whole numbers of 16 bits 65535 is 1, and a voxel
   * in which all classes have 0 is none. The patches' array is used again once the promise is settled, and the answer is not kept.
   */
  readonly predict: (patches: Float32Array) => Promise<WindowAnswer>;
}

/** What a network says of patches, see {@link SlidingWindowOptions.predict}. */
export type WindowAnswer = Float32Array | Uint16Array | readonly (Float32Array | Uint16Array)[];

/** What {@link slidingWindow} uses where an option is missing. */
export const SLIDING_WINDOW_DEFAULTS: Required<SlidingWindowJoining> = {
  overlap: 0.5,
  weighting: "gaussian",
  mirror: [],
  skipOutside: true,
};

/** What the volume is continued with where it is smaller than a patch: air, the lower end of every intensity window. */
const AIR = -1;

/** Windows over a voxel, mirrored ones included, up to which means are held in 16 bits. */
const MOST_ROUNDED = 64;

/** The largest number of 16 bits. */
const LARGEST = 2 ** 16 - 1;

const AXES: readonly MirrorAxis[] = ["depth", "height", "width"];

/**
 * Segments a volume of any size by a network of one patch size: windows that overlap, the weighted mean of their
 * probabilities, and the likeliest class of each voxel. A volume smaller than the patch is continued with air on both
 * sides.
 *
 * Windows are visited from the first slice to the last, and a slice that no later window reaches is decided at once. So
 * the memory needed beside image, labels and one batch of patches is that of `patchSize[0]` slices with `classes` numbers
 * of 16 bits per voxel, however many slices there are. A mean is off by at most `n` / 130,000 for that, where `n` windows
 * and their mirror images cover a voxel; where more than {@link MOST_ROUNDED} do, it takes numbers of 32 bits.
 *
 * @returns Class indices `[depth, height, width]`, as bytes if there are at most 256 classes.
 * @throws ShapeError if the image does not fill its shape, or a prediction has another size; ConfigError if an option
 * cannot be; DataError if a prediction is not a number.
 */
export async function slidingWindow(options: SlidingWindowOptions): Promise<Uint8Array | Uint16Array> {
  const { image, shape, patchSize, classes, batch = 1, predict, onProgress, onSlice, signal } = options;
  const joining = withDefaults<SlidingWindowJoining>(SLIDING_WINDOW_DEFAULTS, options);
  const { mirror, skipOutside } = joining;
  checkOptions(options, joining);
  const grid = surroundingGrid(shape, patchSize);
  const [alongDepth, alongHeight, alongWidth] = AXES.map((_, axis) =>
    placesAlong(grid.shape[axis] as number, patchSize[axis] as number, joining),
  ) as [Place[], Place[], Place[]];
  const turns = turnsOf(mirror);
  const total = alongDepth.length * alongHeight.length * alongWidth.length;
  const covering = [alongDepth, alongHeight, alongWidth].map(mostCovering).reduce((a, b) => a * b) * turns.length;
  const slab = new Slab(grid.shape, patchSize, classes, turns.length, covering);
  const labels = classes <= 256 ? new Uint8Array(sizeOf(shape)) : new Uint16Array(sizeOf(shape));
  const size = sizeOf(patchSize);
  const patches = new Float32Array(batch * size);

  /** What was begun since the last answer, in order: each turn of each window, and what is to be done after it. */
  let begun: { readonly window: PlacedWindow; readonly turn: Turn | undefined; readonly then?: () => void }[] = [];
  let filled = 0; // of the batch
  const settle = async (): Promise<void> => {
    signal?.throwIfAborted();
    const answer = filled > 0 ? planesOf(await predict(patches), [batch, classes, ...patchSize]) : undefined;
    let item = 0;
    for (const { window, turn, then } of begun) {
      if (turn && answer) slab.add(answer, item++, window, turn);
      else slab.addBackground(window);
      then?.();
    }
    [begun, filled] = [[], 0];
  };

  let done = 0;
  const windowDone = (): void => onProgress?.(++done, total);
  for (const [i, depth] of alongDepth.entries()) {
    const end = alongDepth[i + 1]?.from ?? grid.shape[0];
    const decide = (): void => {
      for (let slice = depth.from; slice < end; slice++) {
        const inside = slice - grid.before[0];
        if (inside >= 0 && inside < shape[0]) slab.decide(slice, { labels, shape, before: grid.before, onSlice });
        slab.clear(slice);
      }
    };
    for (const height of alongHeight)
      for (const width of alongWidth) {
        const window = [depth, height, width] as const;
        const isLast = height === alongHeight.at(-1) && width === alongWidth.at(-1);
        const then = (): void => {
          windowDone();
          if (isLast) decide();
        };
        const from = window.map(({ from }, axis) => from - (grid.before[axis] as number)) as unknown as Size3D;
        for (const [t, turn] of turns.entries()) {
          const patch = patches.subarray(filled * size, (filled + 1) * size);
          cutPatch(patch, image, shape, patchSize, from);
          if (t === 0 && skipOutside && patch.every((value) => value === AIR)) {
            begun.push({ window, turn: undefined, then });
            break;
          }
          mirrorPatch(patch, patchSize, turn);
          begun.push({ window, turn, ...(t === turns.length - 1 && { then }) });
          if (++filled === batch) await settle();
        }
      }
  }
  await settle();
  return labels;
}

function checkOptions(
  { image, shape, patchSize, classes, batch = 1 }: SlidingWindowOptions,
  { overlap, mirror }: Required<SlidingWindowJoining>,
): void {
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
  if (!Number.isInteger(batch) || batch < 1)
    throw new ConfigError(`slidingWindow: batch must be a whole number above 0, got ${batch}.`);
  if (!(overlap >= 0 && overlap < 1))
    throw new ConfigError(`slidingWindow: overlap must lie in [0, 1), got ${overlap}.`);
  for (const axis of mirror) checkChoice("slidingWindow", "mirror", axis, AXES);
}

/** The volume, grown to the size of a patch where it is smaller, and what was put before it along each axis. */
function surroundingGrid(shape: Size3D, patchSize: Size3D): { shape: Size3D; before: Size3D } {
  const grown = shape.map((size, axis) => Math.max(size, patchSize[axis] as number));
  const before = grown.map((size, axis) => Math.floor((size - (shape[axis] as number)) / 2));
  return { shape: grown as unknown as Size3D, before: before as unknown as Size3D };
}

/** Where a window lies along one axis. */
interface Place {
  /** Its first voxel. */
  readonly from: number;
  /** What it counts at each of its voxels. The windows that cover a voxel together count 1. */
  readonly weights: Float64Array;
}

/** A window's places along depth, height and width. What it counts at a voxel is the product of the three. */
type PlacedWindow = readonly [Place, Place, Place];

function placesAlong(size: number, patch: number, { overlap, weighting }: Required<SlidingWindowJoining>): Place[] {
  const profile = weighting === "gaussian" ? gaussianProfile(patch) : new Array<number>(patch).fill(1);
  const starts = windowStarts(size, patch, Math.max(1, Math.round(patch * (1 - overlap))));
  const totals = new Float64Array(size);
  for (const from of starts)
    for (const [i, weight] of profile.entries()) totals[from + i] = (totals[from + i] as number) + weight;
  return starts.map((from) => ({
    from,
    weights: Float64Array.from(profile, (weight, i) => weight / (totals[from + i] as number)),
  }));
}

/** How many windows cover a voxel along an axis, at most. */
function mostCovering(places: readonly Place[]): number {
  return Math.max(
    ...places.map(({ from }, i) => {
      const end = places.findIndex((later) => later.from >= from + later.weights.length);
      return (end < 0 ? places.length : end) - i;
    }),
  );
}

/** Whether a window is mirrored along depth, height, width. */
type Turn = readonly [boolean, boolean, boolean];

/** All combinations, beginning with the window as it is. */
function turnsOf(mirror: readonly MirrorAxis[]): Turn[] {
  return AXES.reduce<boolean[][]>(
    (all, axis) =>
      mirror.includes(axis) ? [false, true].flatMap((is) => all.map((t) => [...t, is])) : all.map((t) => [...t, false]),
    [[]],
  ) as unknown as Turn[];
}

/** Mirrors a patch in place. */
function mirrorPatch(patch: Float32Array, [depth, height, width]: Size3D, turn: Turn): void {
  const swap = (count: number, length: number, at: (place: number) => number): void => {
    for (let i = 0; i < count >> 1; i++) {
      const [one, other] = [at(i), at(count - 1 - i)];
      const kept = patch.slice(one, one + length);
      patch.copyWithin(one, other, other + length);
      patch.set(kept, other);
    }
  };
  const plane = height * width;
  if (turn[0]) swap(depth, plane, (z) => z * plane);
  if (turn[1]) for (let z = 0; z < depth; z++) swap(height, width, (y) => z * plane + y * width);
  if (turn[2]) for (let row = 0; row < patch.length; row += width) patch.subarray(row, row + width).reverse();
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

/** An answer, in which the plane `[height, width]` of a window, class and slice is found. */
interface Planes {
  locate(
    item: number,
    label: number,
    slice: number,
  ): { readonly values: Float32Array | Uint16Array; readonly at: number };
}

function planesOf(
  answer: WindowAnswer,
  [batch, classes, depth, height, width]: readonly [number, number, ...Size3D],
): Planes {
  const area = height * width;
  const parts = ArrayBuffer.isView(answer) ? [answer] : answer;
  const got = parts.reduce((sum, { length }) => sum + length, 0);
  const broken = parts === answer && parts.some(({ length }) => length % (classes * area) !== 0);
  if (got !== batch * classes * depth * area || broken)
    throw new ShapeError(
      `slidingWindow: predict must give ${batch * classes * depth * area} numbers (${showShape([batch, classes, depth, height, width])}), got ${broken ? "parts of slices" : got}.`,
    );
  if (ArrayBuffer.isView(answer))
    return {
      locate: (item, label, slice) => ({ values: answer, at: ((item * classes + label) * depth + slice) * area }),
    };
  const slices = answer.flatMap((values) =>
    Array.from({ length: values.length / (classes * area) }, (_, i) => ({ values, at: i * classes * area })),
  );
  return {
    locate(item, label, slice) {
      const { values, at } = slices[item * depth + slice] as (typeof slices)[number];
      return { values, at: at + label * area };
    },
  };
}

const noProbability = (got: number | string): DataError =>
  new DataError(
    `slidingWindow: a predicted probability must lie in [0, 1], got ${got}. The weights or the image are damaged.`,
  );

/** By how much a softmax may exceed 1. */
const ROUNDING = 1e-5;

/** Where decided slices go. */
interface Decided {
  readonly labels: Uint8Array | Uint16Array;
  readonly shape: Size3D;
  /** Voxels before the volume along each axis of the slab's grid. */
  readonly before: Size3D;
  readonly onSlice: SlidingWindowWatching["onSlice"] | undefined;
}

/**
 * Mean probabilities of as many slices as a patch is deep, each times `one`. Slice `z` lies at place `z mod patchDepth`. Where
 * they are whole numbers, the largest sum that rounding up at every window can give still fits into them.
 */
class Slab {
  private readonly patchSize: Size3D;
  private readonly classes: number;
  private readonly turns: number;
  private readonly height: number;
  private readonly width: number;
  /** `[place, class, height, width]`, complete once all windows are added. */
  private readonly means: Uint16Array | Float32Array;
  /** What a probability of 1 is in them. */
  private readonly one: number;
  /** What is added before the rest is cut off, so that it is rounded. */
  private readonly half: number;
  /** `[class, height, width]`, the probabilities of one slice. */
  private slice: Float32Array | undefined;
  /** `[width]`, of one row. */
  private readonly largest: Float32Array;

  constructor([, height, width]: Size3D, patchSize: Size3D, classes: number, turns: number, covering: number) {
    this.patchSize = patchSize;
    this.classes = classes;
    this.turns = turns;
    this.height = height;
    this.width = width;
    const isRounded = covering <= MOST_ROUNDED;
    this.means = new (isRounded ? Uint16Array : Float32Array)(patchSize[0] * classes * height * width);
    this.one = isRounded ? LARGEST - Math.floor(covering / 2) : 1;
    this.half = isRounded ? 0.5 : 0;
    this.largest = new Float32Array(width);
  }

  /** Adds one turn of a window, which is the `item`th of an answer, at its place in the grid. */
  add(answer: Planes, item: number, [alongDepth, alongHeight, alongWidth]: PlacedWindow, turn: Turn): void {
    const { means, classes, turns, one, half } = this;
    const [depth, height, width] = this.patchSize;
    const weights = alongWidth.weights;
    for (let k = 0; k < depth; k++)
      for (let c = 0; c < classes; c++) {
        const { values, at } = answer.locate(item, c, turn[0] ? depth - 1 - k : k);
        const [scale, most] = values instanceof Uint16Array ? [one / LARGEST, LARGEST] : [one, 1 + ROUNDING];
        for (let j = 0; j < height; j++) {
          const weight = (scale * (alongDepth.weights[k] as number) * (alongHeight.weights[j] as number)) / turns;
          const row = at + (turn[1] ? height - 1 - j : j) * width;
          const to = this.rowOf(alongDepth.from + k, c, alongHeight.from + j) + alongWidth.from;
          const [first, step] = turn[2] ? [row + width - 1, -1] : [row, 1];
          for (let x = 0; x < width; x++) {
            const value = values[first + step * x] as number;
            if (!(value >= 0 && value <= most)) throw noProbability(value);
            means[to + x] = (means[to + x] as number) + weight * (weights[x] as number) * value + half;
          }
        }
      }
  }

  /** Adds a window that is background throughout. */
  addBackground([alongDepth, alongHeight, alongWidth]: PlacedWindow): void {
    for (const [k, inDepth] of alongDepth.weights.entries())
      for (const [j, inHeight] of alongHeight.weights.entries()) {
        const to = this.rowOf(alongDepth.from + k, 0, alongHeight.from + j) + alongWidth.from;
        for (const [x, inWidth] of alongWidth.weights.entries())
          this.means[to + x] = (this.means[to + x] as number) + this.one * inDepth * inHeight * inWidth + this.half;
      }
  }

  /**
   * Writes the likeliest class of each voxel of a slice that is complete; the first of those that are equal.
   *
   * @throws DataError if no class of a voxel has a probability.
   */
  decide(slice: number, { labels, shape: [, height, width], before, onSlice }: Decided): void {
    const inside = slice - before[0];
    const { largest } = this;
    if (onSlice) this.slice ??= new Float32Array(this.classes * height * width);
    for (let y = 0; y < height; y++) {
      const to = (inside * height + y) * width;
      largest.fill(Number.NEGATIVE_INFINITY);
      for (let c = 0; c < this.classes; c++) {
        const from = this.rowOf(slice, c, y + before[1]) + before[2];
        for (let x = 0; x < width; x++) {
          const mean = this.means[from + x] as number;
          if (mean > (largest[x] as number)) {
            largest[x] = mean;
            labels[to + x] = c;
          }
        }
        if (this.slice) {
          const into = (c * height + y) * width;
          for (let x = 0; x < width; x++) this.slice[into + x] = (this.means[from + x] as number) / this.one;
        }
      }
      if (largest.subarray(0, width).includes(0)) throw noProbability("0 for every class");
    }
    if (onSlice && this.slice) onSlice(inside, this.slice);
  }

  /** Makes the place of a slice free for the one `patchDepth` slices further. */
  clear(slice: number): void {
    const from = this.rowOf(slice, 0, 0);
    this.means.fill(0, from, from + this.classes * this.height * this.width);
  }

  /** Where a row of a slice begins. */
  private rowOf(slice: number, label: number, row: number): number {
    return (((slice % this.patchSize[0]) * this.classes + label) * this.height + row) * this.width;
  }
}
