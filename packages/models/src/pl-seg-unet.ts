import {
  ConfigError,
  checkMultiples,
  checkRank,
  type Network,
  type NetworkMode,
  type Weights,
  withDefaults,
} from "@plseg/core";
import { batchNorm3d, batchNorm3dInference, dropout, resizeTrilinear, updateRunningStatistics } from "@plseg/ops";
import {
  add,
  concat,
  conv3d,
  leakyRelu,
  maxPool3d,
  type Scalar,
  type Tensor1D,
  type Tensor5D,
} from "@tensorflow/tfjs-core";

/** Shape of the PL-Seg U-Net. Level 0 has full resolution; every further level halves each axis. */
export interface PlSegUnetConfig {
  /** Output channels, the background among them. */
  readonly classes: number;
  /** Image channels. */
  readonly inChannels?: number;
  /** Channels of each level, finest first; two levels at least. */
  readonly features?: readonly number[];
  /** Share of values dropped in training at each level, in [0, 1). Levels beyond the list use its last entry. */
  readonly dropout?: readonly number[];
  /** Whether to give logits at up to four scales, each half the one before, or at full resolution only. */
  readonly deepSupervision?: boolean;
}

/** What {@link plSegUnet} uses where a field is missing. */
export const PL_SEG_UNET_DEFAULTS: Required<Omit<PlSegUnetConfig, "classes">> = {
  inChannels: 1,
  features: [16, 32, 64, 128],
  dropout: [0, 0, 0.1, 0.2],
  deepSupervision: true,
};

/** Most scales at which logits are given. */
const SCALES = 4;

/** Seeds of a step lie below this; each place that drops out adds a multiple of it. */
const SEEDS = 4093;

/**
 * The 3-D U-Net of PL-Seg: two convolutions per level, batch norm, leaky ReLU; max-pooled down, trilinear up; logits at
 * full, half, quarter and eighth resolution. Without deep supervision it is the plain U-Net of the baselines.
 *
 *     image [batch, depth, height, width, inChannels]  →  logits [batch, depth / 2^k, height / 2^k, width / 2^k, classes]
 *
 * Convolutions before a batch norm have no bias: the norm would cancel it. Running statistics are updated in training.
 *
 * @throws ConfigError if the configuration cannot be. The network throws a ShapeError unless depth, height and width are
 * multiples of `2 ** (features.length - 1)`.
 * @see https://github.com/HiLab-git/PLS4MIS (`UNet3D_ProgCon`), with which it agrees; Çiçek et al., 3D U-Net, MICCAI 2016.
 */
export function plSegUnet(config: PlSegUnetConfig): Network {
  const { classes } = config;
  const options = withDefaults<Omit<PlSegUnetConfig, "classes">>(PL_SEG_UNET_DEFAULTS, config);
  const { inChannels, features, dropout: rates, deepSupervision } = options;
  checkConfig({ classes, inChannels, features, dropout: rates });
  const levels = features.length;
  const rateOf = (level: number): number => rates[level] ?? rates.at(-1) ?? 0;

  return (weights, image, mode) => {
    checkRank("plSegUnet", ["image", image.shape], [5]);
    checkMultiples("plSegUnet", ["depth, height and width", image.shape.slice(1, 4)], 2 ** (levels - 1));

    let h = image;
    let channels = inChannels;
    const skips: Tensor5D[] = [];
    for (const [level, width] of features.entries()) {
      if (level > 0) h = maxPool3d(h, 2, 2, "valid");
      h = block(weights.at(`encoder.${level}`), h, channels, width, dropoutAt(mode, rateOf(level), level), mode);
      skips.push(h); // [batch, depth / 2^level, height / 2^level, width / 2^level, features[level]]
      channels = width;
    }

    const decoded = [h]; // finest first
    for (const [level, width] of [...features.entries()].slice(0, -1).reverse()) {
      const stage = weights.at(`decoder.${level}`);
      h = concat([skips[level] as Tensor5D, upsample(stage.at("up"), h, channels, width)], 4); // [..., 2 · features[level]]
      h = block(stage, h, 2 * width, width, dropoutAt(mode, rateOf(level), levels + level), mode);
      decoded.unshift(h);
      channels = width;
    }

    return decoded
      .slice(0, deepSupervision ? SCALES : 1)
      .map((h, scale) => project(weights.at(`head.${scale}`), h, features[scale] as number, classes));
  };
}

/** Two convolutions, with dropout between. `[batch, d, h, w, from]` → `[batch, d, h, w, to]` */
function block(
  weights: Weights,
  x: Tensor5D,
  from: number,
  to: number,
  drop: (x: Tensor5D) => Tensor5D,
  mode: NetworkMode,
): Tensor5D {
  const h = drop(convolve(weights.at("0"), x, from, to, mode));
  return convolve(weights.at("1"), h, to, to, mode);
}

/** 3×3×3 convolution, batch norm, leaky ReLU. */
function convolve(weights: Weights, x: Tensor5D, from: number, to: number, mode: NetworkMode): Tensor5D {
  const kernel = weights.get("weight", [3, 3, 3, from, to], "xavier-normal") as Tensor5D;
  return leakyRelu(normalize(weights.at("norm"), conv3d(x, kernel, 1, "same"), mode), 0.01);
}

function normalize(weights: Weights, x: Tensor5D, { training }: NetworkMode): Tensor5D {
  const channels = x.shape[4];
  const scale = weights.get("weight", [channels], "ones") as Tensor1D;
  const offset = weights.get("bias", [channels], "zeros") as Tensor1D;
  const runningMean = weights.buffer("running_mean", [channels], "zeros") as Tensor1D;
  const runningVariance = weights.buffer("running_var", [channels], "ones") as Tensor1D;
  if (!training) return batchNorm3dInference(x, { mean: runningMean, variance: runningVariance, scale, offset });

  const { y, ...batch } = batchNorm3d(x, scale, offset);
  const running = { mean: runningMean, variance: runningVariance };
  const next = updateRunningStatistics(running, batch, x.size / channels);
  weights.setBuffer("running_mean", next.mean);
  weights.setBuffer("running_var", next.variance);
  return y;
}

/** `[batch, d, h, w, from]` → `[batch, 2d, 2h, 2w, to]` */
function upsample(weights: Weights, x: Tensor5D, from: number, to: number): Tensor5D {
  const [, depth, height, width] = x.shape;
  return resizeTrilinear(project(weights, x, from, to), [2 * depth, 2 * height, 2 * width]);
}

/** 1×1×1 convolution with bias. */
function project(weights: Weights, x: Tensor5D, from: number, to: number): Tensor5D {
  const kernel = weights.get("weight", [1, 1, 1, from, to], "xavier-normal") as Tensor5D;
  return add(conv3d(x, kernel, 1, "same"), weights.get("bias", [to], "zeros"));
}

/** The dropout of one place: nothing outside training, and masks of its own for every place. */
function dropoutAt({ training, seed }: NetworkMode, rate: number, place: number): (x: Tensor5D) => Tensor5D {
  if (!training || !seed || rate === 0) return (x) => x;
  return (x) => dropout(x, rate, add<Scalar>(seed, place * SEEDS));
}

function checkConfig({
  classes,
  inChannels,
  features,
  dropout,
}: Required<Omit<PlSegUnetConfig, "deepSupervision">>): void {
  const count = (value: number, least: number): boolean => Number.isInteger(value) && value >= least;
  if (!count(classes, 2))
    throw new ConfigError(`plSegUnet: classes must be a whole number of at least 2, got ${classes}.`);
  if (!count(inChannels, 1))
    throw new ConfigError(`plSegUnet: inChannels must be a whole number of at least 1, got ${inChannels}.`);
  if (features.length < 2 || !features.every((width) => count(width, 1)))
    throw new ConfigError(
      `plSegUnet: features must be at least two whole numbers above 0, got [${features.join(", ")}].`,
    );
  if (!dropout.every((rate) => rate >= 0 && rate < 1))
    throw new ConfigError(`plSegUnet: each dropout must lie in [0, 1), got [${dropout.join(", ")}].`);
}
