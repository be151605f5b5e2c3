import { type ClassSet, ConfigError, Random, type Size3D } from "@plseg/core";
import { type AugmentationOptions, type AugmentationSettings, augmentationSettings } from "./augmentation-options.js";
import { type SpatialTransform, touchedSize } from "./spatial-transform.js";
import { type SidePair, sidePairs } from "./swap-sides.js";

/** Options of {@link drawAugmentation}. */
export interface DrawAugmentationOptions extends AugmentationOptions {
  /** Voxels of the result along depth, height, width. */
  readonly patchSize: Size3D;
  /** Millimeters per voxel along depth, height, width. */
  readonly spacing: Size3D;
  /** The classes by name. Needed only where flips along the width are asked for. */
  readonly classes?: ClassSet;
  /** Whether each class is annotated in the scan, by index. Needed only where flips along the width are asked for. */
  readonly annotated?: ArrayLike<number | boolean>;
}

/** What happens to one patch: plain data, which may be sent to a worker. */
export interface AugmentationPlan {
  /** Voxels of the result. */
  readonly patchSize: Size3D;
  /** Voxels to read, `patchSize` in their middle, so that no border shows: no more than this draw needs. */
  readonly sourceSize: Size3D;
  /** Where voxels come from; none means the middle of the source as it is. */
  readonly spatial?: SpatialTransform;
  /** Classes that change places. */
  readonly swap: readonly SidePair[];
  /** Values by transform; none means that it does not act. */
  readonly noise?: { readonly deviation: number; readonly seed: number };
  /** Standard deviation, voxels. */
  readonly blur?: number;
  /** Factor. */
  readonly brightness?: number;
  /** Factor. */
  readonly contrast?: number;
  /** Factor of the resolution along depth, height, width. */
  readonly lowResolution?: Size3D;
  /** Exponent. */
  readonly invertedGamma?: number;
  /** Exponent. */
  readonly gamma?: number;
}

/** From how many times the finest spacing on an axis counts as coarse. nnU-Net's `ANISO_THRESHOLD`. */
const COARSE = 3;

/** Which axes have voxels too long to mix them with others. */
export function coarseAxes(spacing: Size3D): readonly [boolean, boolean, boolean] {
  const coarse = (mm: number): boolean => mm > COARSE * Math.min(...spacing);
  return [coarse(spacing[0]), coarse(spacing[1]), coarse(spacing[2])];
}

/**
 * Draws what happens to a patch, before it is read: the plan says how much of the scan it needs.
 *
 * Takes one number of `random`; each transform then has a stream of its own, so that switching one off leaves the others as
 * they were. Where voxels are more than three times as long along an axis as along another, that axis is neither mixed
 * with others by a rotation nor scaled nor coarsened, as in nnU-Net's `do_dummy_2d`.
 *
 * Along the width, a flip exchanges left and right organs by name. A patch whose scan annotates only one of a pair is not
 * flipped, since what is annotated would change too.
 *
 * @throws ConfigError if a setting is out of range, or flips along the width are asked for without `classes` or `annotated`,
 *   or with an organ of one side that has no twin.
 */
export function drawAugmentation(random: Random, options: DrawAugmentationOptions): AugmentationPlan {
  const { patchSize, spacing, classes, annotated, ...transforms } = options;
  const settings = augmentationSettings(transforms);
  const seed = random.uint32();
  const acts = <T>(name: keyof AugmentationSettings, value: (stream: Random) => T): T | undefined => {
    const stream = Random.of(name, seed);
    return stream.uniform() < (settings[name].probability as number) ? value(stream) : undefined;
  };
  const within = ([low, high]: readonly [number, number], stream: Random): number =>
    low * (high / low) ** stream.uniform();

  const coarse = coarseAxes(spacing);
  const { flip, swap } = drawFlip(settings, seed, classes, annotated);
  const turned = acts("rotate", (stream) => drawAngles(settings.rotate.degrees, coarse, stream));
  const scaled = acts("scale", (stream) => within(settings.scale.factor, stream));
  const bent = acts("elastic", (stream) => ({
    amplitude: settings.elastic.amplitude,
    grid: settings.elastic.grid,
    seed: stream.uint32(),
  }));
  const spatial: SpatialTransform | undefined =
    flip.some(Boolean) || turned || scaled !== undefined || bent
      ? {
          flip,
          angles: turned ?? [0, 0, 0],
          scale: [coarse[0] ? 1 : (scaled ?? 1), coarse[1] ? 1 : (scaled ?? 1), coarse[2] ? 1 : (scaled ?? 1)],
          ...(bent && { elastic: bent }),
        }
      : undefined;

  const noise = acts("noise", (stream) => ({
    deviation: stream.uniform(...settings.noise.deviation),
    seed: stream.uint32(),
  }));
  const blur = acts("blur", (stream) => stream.uniform(...settings.blur.sigma));
  const brightness = acts("brightness", (stream) => within(settings.brightness.factor, stream));
  const contrast = acts("contrast", (stream) => within(settings.contrast.factor, stream));
  const lowResolution = acts("lowResolution", (stream): Size3D => {
    const zoom = stream.uniform(...settings.lowResolution.zoom);
    return [coarse[0] ? 1 : zoom, coarse[1] ? 1 : zoom, coarse[2] ? 1 : zoom];
  });
  const invertedGamma = acts("invertedGamma", (stream) => within(settings.invertedGamma.exponent, stream));
  const gamma = acts("gamma", (stream) => within(settings.gamma.exponent, stream));
  return {
    patchSize,
    sourceSize: spatial ? touchedSize(spatial, patchSize, spacing) : patchSize,
    swap,
    ...(spatial && { spatial }),
    ...(noise && { noise }),
    ...(blur !== undefined && { blur }),
    ...(brightness !== undefined && { brightness }),
    ...(contrast !== undefined && { contrast }),
    ...(lowResolution && { lowResolution }),
    ...(invertedGamma !== undefined && { invertedGamma }),
    ...(gamma !== undefined && { gamma }),
  };
}

function drawFlip(
  { flip: { probability } }: AugmentationSettings,
  seed: number,
  classes: ClassSet | undefined,
  annotated: ArrayLike<number | boolean> | undefined,
): { readonly flip: SpatialTransform["flip"]; readonly swap: readonly SidePair[] } {
  const stream = Random.of("flip", seed);
  const along = (axis: 0 | 1 | 2): boolean => stream.uniform() < probability[axis];
  const [depth, height, width] = [along(0), along(1), along(2)];
  if (probability[2] === 0) return { flip: [depth, height, false], swap: [] };
  if (!classes || !annotated)
    throw new ConfigError(
      "augment: flip along the width needs classes and annotated, to exchange left and right organs. Give them, or set flip.probability to [0, 0, 0].",
    );
  const pairs = sidePairs(classes);
  const told = pairs.every(([left, right]) => Boolean(annotated[left]) === Boolean(annotated[right]));
  return width && told ? { flip: [depth, height, true], swap: pairs } : { flip: [depth, height, false], swap: [] };
}

/** A rotation about an axis mixes the other two, so neither may be coarse. */
function drawAngles(degrees: number, coarse: readonly [boolean, boolean, boolean], stream: Random): Size3D {
  const most = (degrees * Math.PI) / 180;
  const [a, b, c] = [stream.uniform(-most, most), stream.uniform(-most, most), stream.uniform(-most, most)];
  return [coarse[1] || coarse[2] ? 0 : a, coarse[0] || coarse[2] ? 0 : b, coarse[0] || coarse[1] ? 0 : c];
}
