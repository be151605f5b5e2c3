import {
  ConfigError,
  Random,
  ResourceError,
  ShapeError,
  type Size3D,
  showShape,
  sizeOf,
  withDefaults,
} from "@plseg/core";

/** A scan ready to be sampled. */
export interface SampledCase {
  /** Name of the case, for `sources` of a batch and in messages. */
  readonly id: string;
  /** Intensities in [−1, 1], as `windowIntensity` makes them. */
  readonly image: Float32Array;
  /** Class indices. */
  readonly labels: Uint8Array | Uint16Array;
  /** Voxels along depth, height, width. */
  readonly shape: Size3D;
  /** Whether each class was annotated in the whole scan, by class index. */
  readonly annotated: readonly boolean[];
}

/** How patches are drawn. */
export interface PatchSampling {
  /** Patches per batch. */
  readonly batch?: number;
  /** The same seed draws the same patches. */
  readonly seed?: number;
  /** Part of the patches drawn around a voxel of an annotated class. nnU-Net's `oversample_foreground_percent`. */
  readonly foreground?: number;
}

/** Options of {@link patchSampler}. */
export interface PatchSamplerOptions extends PatchSampling {
  /** The scans to draw from; all with the same classes. */
  readonly cases: readonly SampledCase[];
  /** Voxels along depth, height, width. */
  readonly patchSize: Size3D;
}

/** What {@link patchSampler} uses where an option is missing. */
export const PATCH_SAMPLER_DEFAULTS: Required<PatchSampling> = { batch: 1, seed: 0, foreground: 1 / 3 };

/** Patches for one step. */
export interface Batch {
  /** `[batch, depth, height, width]`, in [−1, 1]. */
  readonly image: Float32Array;
  /** `[batch, depth, height, width]`, class indices. */
  readonly labels: Int32Array;
  /** `[batch, class]`, 1 where the class was annotated in the whole scan, else 0. */
  readonly annotated: Float32Array;
  /** Where each patch was taken: the case, and the voxel of its first corner, which is negative where a patch is padded. */
  readonly sources: readonly { readonly id: string; readonly origin: Size3D }[];
}

/** A source of patches, made by {@link patchSampler}. */
export interface PatchSampler {
  /** The batch of a step. It depends on seed and step only, so a resumed training sees the same batches. */
  sample(step: number): Batch;
}

/** Value and label of voxels beyond the scan: air, which no organ is. */
const AIR = -1;
const BACKGROUND = 0;

/** Voxels remembered per case and class. */
const REMEMBERED = 10_000;

/** Most voxels of a batch: 2²⁹ are 4 GiB of image and labels. */
const MAX_BATCH_VOXELS = 2 ** 29;

/**
 * Draws patches. Cases come in a new random order each round, each once. A patch lies anywhere in its scan or, for the
 * `foreground` part of the patches, around a random voxel of a class that is annotated and present in the scan; the class
 * is drawn first, so that small organs get their turn as often as large ones. The voxel falls somewhere into the middle
 * half of the patch, unless the border of the scan is near.
 *
 * Along an axis where the scan is smaller than the patch, the patch holds the scan whole, at a random place, and is filled
 * with air (−1) labeled as background: what lies outside a scan is outside the body as far as the network can tell.
 *
 * @throws ConfigError if there is no case, or an option is out of range; ShapeError if a case contradicts itself or
 *   the others; ResourceError if a batch cannot be held in memory.
 */
export function patchSampler(options: PatchSamplerOptions): PatchSampler {
  const { cases, patchSize } = options;
  const { batch, seed, foreground } = withDefaults<PatchSampling>(PATCH_SAMPLER_DEFAULTS, options);
  const classes = cases[0]?.annotated.length ?? 0;
  if (cases.length === 0) throw new ConfigError("patchSampler: at least one case is needed, got none.");
  if (!(Number.isInteger(batch) && batch >= 1))
    throw new ConfigError(`patchSampler: batch must be a whole number of at least 1, got ${batch}.`);
  if (!patchSize.every((size) => Number.isInteger(size) && size >= 1))
    throw new ConfigError(`patchSampler: patchSize must be whole numbers of at least 1, got ${showShape(patchSize)}.`);
  if (!(foreground >= 0 && foreground <= 1))
    throw new ConfigError(`patchSampler: foreground must lie in [0, 1], got ${foreground}.`);
  const voxels = sizeOf(patchSize);
  if (batch * voxels > MAX_BATCH_VOXELS)
    throw new ResourceError(
      `patchSampler: a batch may have at most ${MAX_BATCH_VOXELS} voxels, got ${batch} x ${showShape(patchSize)} = ${batch * voxels}. Choose a smaller patchSize or batch.`,
    );
  for (const entry of cases) checkCase(entry, classes);
  const places = cases.map((entry) => foregroundVoxels(entry, seed));
  const order = caseOrder(cases.length, seed);

  return {
    sample(step) {
      if (!(Number.isInteger(step) && step >= 0))
        throw new ConfigError(`patchSampler: step must be a whole number of at least 0, got ${step}.`);
      const image = new Float32Array(batch * voxels).fill(AIR);
      const labels = new Int32Array(batch * voxels).fill(BACKGROUND);
      const annotated = new Float32Array(batch * classes);
      const sources = Array.from({ length: batch }, (_, n) => {
        const index = order(step * batch + n);
        const source = cases[index] as SampledCase;
        const random = Random.of("patch", seed, step, n);
        const origin = drawOrigin(source.shape, patchSize, places[index] ?? [], foreground, random);
        crop(source, origin, patchSize, image.subarray(n * voxels), labels.subarray(n * voxels));
        annotated.set(source.annotated.map(Number), n * classes);
        return { id: source.id, origin };
      });
      return { image, labels, annotated, sources };
    },
  };
}

function checkCase({ id, image, labels, shape, annotated }: SampledCase, classes: number): void {
  const expected = sizeOf(shape);
  if (image.length !== expected || labels.length !== expected)
    throw new ShapeError(
      `patchSampler: image and labels of ${id} must have ${expected} voxels ${showShape(shape)}, got ${image.length} and ${labels.length}.`,
    );
  if (annotated.length !== classes)
    throw new ShapeError(
      `patchSampler: annotated must have one entry per class in every case, got ${annotated.length} in ${id} and ${classes} before.`,
    );
}

/** Which case is drawn when: every round each case once, in an order of its own. */
function caseOrder(count: number, seed: number): (draw: number) => number {
  const indices = Array.from({ length: count }, (_, i) => i);
  let known = { round: -1, order: indices };
  return (draw) => {
    const round = Math.floor(draw / count);
    if (known.round !== round) known = { round, order: Random.of("round", seed, round).shuffle(indices) };
    return known.order[draw % count] as number;
  };
}

/** For each class that is annotated and present: places of its voxels, evenly thinned to at most {@link REMEMBERED}. */
function foregroundVoxels({ id, labels, annotated }: SampledCase, seed: number): readonly Uint32Array[] {
  const counts = new Float64Array(annotated.length);
  for (let i = 0; i < labels.length; i++) {
    const index = labels[i] as number;
    if (index >= annotated.length)
      throw new ShapeError(
        `patchSampler: labels of ${id} must be less than ${annotated.length}, got ${index} at voxel ${i}.`,
      );
    counts[index] = (counts[index] as number) + 1;
  }
  const wanted = annotated.map((known, index) => (known && index > 0 ? Math.min(counts[index] ?? 0, REMEMBERED) : 0));
  const random = Random.of("places", seed, id);
  const places = wanted.map((count) => new Uint32Array(count));
  const taken = new Uint32Array(annotated.length);
  const seen = new Float64Array(annotated.length);
  const next = wanted.map((count, index) => random.uniform(0, (counts[index] ?? 0) / Math.max(count, 1)));
  for (let i = 0; i < labels.length; i++) {
    const index = labels[i] as number;
    const have = taken[index] as number;
    const want = wanted[index] as number;
    if (have >= want) continue;
    const stride = (counts[index] as number) / want;
    if ((seen[index] as number) >= Math.floor(next[index] as number)) {
      (places[index] as Uint32Array)[have] = i;
      taken[index] = have + 1;
      next[index] = (have + 1 + random.uniform()) * stride;
    }
    seen[index] = (seen[index] as number) + 1;
  }
  return places.map((list, index) => list.subarray(0, taken[index])).filter((list) => list.length > 0);
}

function drawOrigin(
  shape: Size3D,
  patch: Size3D,
  places: readonly Uint32Array[],
  foreground: number,
  random: Random,
): Size3D {
  const room = [0, 1, 2].map((axis) => (shape[axis] ?? 0) - (patch[axis] ?? 0));
  const anywhere = room.map((free) => (free < 0 ? -random.integer(1 - free) : random.integer(free + 1)));
  const [d = 0, h = 0, w = 0] = anywhere;
  if (places.length === 0 || random.uniform() >= foreground) return [d, h, w];
  const list = random.pick(places);
  const place = list[random.integer(list.length)] ?? 0;
  const [, height, width] = shape;
  const voxel = [Math.floor(place / (height * width)), Math.floor(place / width) % height, place % width];
  const around = voxel.map((at, axis) => {
    const size = patch[axis] ?? 1;
    const free = room[axis] ?? 0;
    const inside = Math.floor(size / 4) + random.integer(Math.max(1, Math.ceil(size / 2)));
    return free < 0 ? (anywhere[axis] ?? 0) : Math.min(Math.max(at - inside, 0), free);
  });
  const [fd = 0, fh = 0, fw = 0] = around;
  return [fd, fh, fw];
}

/** Copies the part of the scan that lies in the patch, row by row. */
function crop(source: SampledCase, origin: Size3D, patch: Size3D, image: Float32Array, labels: Int32Array): void {
  const [, height, width] = source.shape;
  const range = (axis: 0 | 1 | 2): readonly [number, number] => [
    Math.max(0, -origin[axis]),
    Math.min(patch[axis], source.shape[axis] - origin[axis]),
  ];
  const [[d0, d1], [h0, h1], [w0, w1]] = [range(0), range(1), range(2)];
  for (let d = d0; d < d1; d++) {
    for (let h = h0; h < h1; h++) {
      const from = ((d + origin[0]) * height + h + origin[1]) * width + origin[2];
      const to = (d * patch[1] + h) * patch[2];
      image.set(source.image.subarray(from + w0, from + w1), to + w0);
      labels.set(source.labels.subarray(from + w0, from + w1), to + w0);
    }
  }
}
