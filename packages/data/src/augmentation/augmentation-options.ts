import { ConfigError, type Size3D, suggest } from "@plseg/core";

/** How often and how strongly each transform acts. Probabilities are those of one patch; factors and exponents are drawn evenly in their logarithm, the rest evenly. */
export interface AugmentationSettings {
  /** Mirroring, by its probability along depth, height and width, which is left and right. */
  readonly flip: { readonly probability: Size3D };
  /** Rotation about each axis by up to so many degrees either way. */
  readonly rotate: { readonly probability: number; readonly degrees: number };
  /** Size of the anatomy, by one factor for all axes. */
  readonly scale: { readonly probability: number; readonly factor: readonly [low: number, high: number] };
  /** Smooth displacement: control points every `grid` millimeters moved by up to `amplitude` millimeters along each axis. */
  readonly elastic: { readonly probability: number; readonly amplitude: number; readonly grid: number };
  /** Gaussian noise by its standard deviation, in units of the image: half a window's width. */
  readonly noise: { readonly probability: number; readonly deviation: readonly [low: number, high: number] };
  /** Gaussian blur by its standard deviation in voxels. */
  readonly blur: { readonly probability: number; readonly sigma: readonly [low: number, high: number] };
  /** Multiplication of all values; the window's level stays where it is. */
  readonly brightness: { readonly probability: number; readonly factor: readonly [low: number, high: number] };
  /** Multiplication of the differences to the mean, within the values that were there. */
  readonly contrast: { readonly probability: number; readonly factor: readonly [low: number, high: number] };
  /** Voxels taken from a grid coarser by this factor of at most 1, and interpolated back. */
  readonly lowResolution: { readonly probability: number; readonly zoom: readonly [low: number, high: number] };
  /** Gamma on the values upside down, mean and deviation kept. */
  readonly invertedGamma: { readonly probability: number; readonly exponent: readonly [low: number, high: number] };
  /** Gamma on the values between the smallest and the largest, mean and deviation kept. */
  readonly gamma: { readonly probability: number; readonly exponent: readonly [low: number, high: number] };
}

/** Any part of the settings; what is missing is taken from {@link AUGMENTATION_DEFAULTS}. */
export type AugmentationOptions = {
  readonly [T in keyof AugmentationSettings]?: Partial<AugmentationSettings[T]>;
};

/**
 * Those of nnU-Net v2 (`nnUNetTrainer.get_training_transforms`, batchgeneratorsv2), where it says that a transform acts on
 * a sample with one probability and on each of its channels with another, their product; with these differences:
 *
 * - Never flipped. nnU-Net mirrors along all axes, but in canonical orientation a scan is never mirrored, left and right
 *   organs would lose what tells them apart, and TotalSegmentator, on the same organs, trains without
 *   (`nnUNetTrainerNoMirroring`).
 * - Noise up to 0.1 of the image's unit, 20 HU in a window of 400. nnU-Net's `noise_variance` of up to 0.1 is taken for the
 *   standard deviation by its library, in units of the foreground's, which is about 100 HU in the abdomen.
 * - Elastic deformation is off, as there, where it is implemented and left out. The strength is that of a breath: 8 mm.
 */
export const AUGMENTATION_DEFAULTS: AugmentationSettings = {
  flip: { probability: [0, 0, 0] },
  rotate: { probability: 0.2, degrees: 30 },
  scale: { probability: 0.2, factor: [0.7, 1.4] },
  elastic: { probability: 0, amplitude: 8, grid: 40 },
  noise: { probability: 0.1, deviation: [0, 0.1] },
  blur: { probability: 0.1, sigma: [0.5, 1] },
  brightness: { probability: 0.15, factor: [0.75, 1.25] },
  contrast: { probability: 0.15, factor: [0.75, 1.25] },
  lowResolution: { probability: 0.125, zoom: [0.5, 1] },
  invertedGamma: { probability: 0.1, exponent: [0.7, 1.5] },
  gamma: { probability: 0.3, exponent: [0.7, 1.5] },
};

/** Largest displacement that cannot fold a cubic B-spline, in grid spacings: Choi and Lee, Graphical Models 2000. */
const UNFOLDED = 1 / 2.479;

/** The options with everything filled in. @throws ConfigError naming the setting that is unknown or out of range. */
export function augmentationSettings(options: AugmentationOptions): AugmentationSettings {
  const known = Object.keys(AUGMENTATION_DEFAULTS);
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new ConfigError(
        `augment: there is no transform "${name}".${suggest(name, known)} Transforms: ${known.join(", ")}.`,
      );
  const settings = Object.fromEntries(
    Object.entries(AUGMENTATION_DEFAULTS).map(([name, defaults]) => [
      name,
      { ...defaults, ...options[name as keyof AugmentationOptions] },
    ]),
  ) as unknown as AugmentationSettings;
  for (const [name, values] of Object.entries(settings)) checkTransform(name, values);
  const { amplitude, grid } = settings.elastic;
  if (amplitude > UNFOLDED * grid)
    throw new ConfigError(
      `augment: elastic.amplitude must be at most ${UNFOLDED.toFixed(2)} of elastic.grid, so that nothing folds, got ${amplitude} and ${grid}.`,
    );
  if (settings.lowResolution.zoom[1] > 1)
    throw new ConfigError(`augment: lowResolution.zoom must be at most 1, got ${settings.lowResolution.zoom[1]}.`);
  return settings;
}

function checkTransform(transform: string, values: object): void {
  for (const [name, value] of Object.entries(values) as [string, number | readonly number[]][]) {
    const refuse = (rule: string): never => {
      throw new ConfigError(`augment: ${transform}.${name} must be ${rule}, got ${String(value)}.`);
    };
    if (name === "probability") {
      if (![value].flat().every((p) => p >= 0 && p <= 1)) refuse("from 0 to 1");
    } else if (typeof value === "number") {
      if (!(value >= 0 && Number.isFinite(value))) refuse("a number of at least 0");
    } else {
      const [low, high] = value as readonly [number, number];
      const least = name === "deviation" || name === "sigma" ? 0 : Number.MIN_VALUE;
      if (!(low >= least && high >= low && Number.isFinite(high)))
        refuse(`[low, high], ${least === 0 ? "at least" : "more than"} 0`);
    }
  }
}
