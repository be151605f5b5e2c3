import { ConfigError, checkChoice, type Network, type NetworkMode, type Weights, withDefaults } from "@plseg/core";
import { convTranspose3d, dropout } from "@plseg/ops";
import { add, concat, leakyRelu, maxPool3d, type Scalar, type Tensor5D } from "@tensorflow/tfjs-core";
import { checkCount, checkFeatures, checkImage } from "./check-network.js";
import { batchNorm, convolve, double, project } from "./layers.js";

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
  /** How the decoder doubles its features: trilinear resize, or a transposed convolution that learns it. */
  readonly upsample?: "trilinear" | "deconv";
}

/** What {@link plSegUnet} uses where a field is missing. */
export const PL_SEG_UNET_DEFAULTS: Required<Omit<PlSegUnetConfig, "classes">> = {
  inChannels: 1,
  features: [16, 32, 64, 128],
  dropout: [0, 0, 0.1, 0.2],
  deepSupervision: true,
  upsample: "trilinear",
};

/** Most scales at which logits are given. */
const SCALES = 4;

/** Seeds of a step lie below this; each place that drops out adds a multiple of it. */
const SEEDS = 4093;

/**
 * The 3-D U-Net of PL-Seg: two convolutions per level, batch norm, leaky ReLU; max-pooled down, resized up; logits at
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
  const { inChannels, features, dropout: rates, deepSupervision, upsample } = options;
  checkCount("plSegUnet", "classes", classes, 2);
  checkCount("plSegUnet", "inChannels", inChannels, 1);
  checkFeatures("plSegUnet", features);
  checkChoice("plSegUnet", "upsample", upsample, ["trilinear", "deconv"]);
  if (!rates.every((rate) => rate >= 0 && rate < 1))
    throw new ConfigError(`plSegUnet: each dropout must lie in [0, 1), got [${rates.join(", ")}].`);
  const levels = features.length;
  const rateOf = (level: number): number => rates[level] ?? rates.at(-1) ?? 0;

  return (weights, image, mode) => {
    checkImage("plSegUnet", image, inChannels, levels - 1);

    let h = image;
    const skips: Tensor5D[] = [];
    for (const [level, width] of features.entries()) {
      if (level > 0) h = maxPool3d(h, 2, 2, "valid");
      h = block(weights.at(`encoder.${level}`), h, width, dropoutAt(mode, rateOf(level), level), mode);
      skips.push(h); // [batch, depth / 2^level, height / 2^level, width / 2^level, features[level]]
    }

    const decoded = [h]; // finest first
    for (const [level, width] of [...features.entries()].slice(0, -1).reverse()) {
      const stage = weights.at(`decoder.${level}`);
      h = concat([skips[level] as Tensor5D, up(stage.at("up"), h, width, upsample)], 4); // [..., 2 · features[level]]
      h = block(stage, h, width, dropoutAt(mode, rateOf(level), levels + level), mode);
      decoded.unshift(h);
    }

    return decoded
      .slice(0, deepSupervision ? SCALES : 1)
      .map((h, scale) => project(weights.at(`head.${scale}`), h, classes));
  };
}

/** Two convolutions, with dropout between. `[batch, d, h, w, from]` → `[batch, d, h, w, to]` */
function block(
  weights: Weights,
  x: Tensor5D,
  to: number,
  drop: (x: Tensor5D) => Tensor5D,
  mode: NetworkMode,
): Tensor5D {
  return layer(weights.at("1"), drop(layer(weights.at("0"), x, to, mode)), to, mode);
}

/** 3×3×3 convolution, batch norm, leaky ReLU. */
function layer(weights: Weights, x: Tensor5D, to: number, mode: NetworkMode): Tensor5D {
  return leakyRelu(batchNorm(weights.at("norm"), convolve(weights, x, to), mode), 0.01);
}

/** `[batch, d, h, w, from]` → `[batch, 2d, 2h, 2w, to]` */
function up(weights: Weights, x: Tensor5D, to: number, upsample: "trilinear" | "deconv"): Tensor5D {
  if (upsample === "trilinear") return double(project(weights, x, to));
  const kernel = weights.get("weight", [2, 2, 2, to, x.shape[4]], "xavier-normal") as Tensor5D;
  return add(convTranspose3d(x, kernel), weights.get("bias", [to], "zeros"));
}

/** The dropout of one place: nothing outside training, and masks of its own for every place. */
function dropoutAt({ training, seed }: NetworkMode, rate: number, place: number): (x: Tensor5D) => Tensor5D {
  if (!training || !seed || rate === 0) return (x) => x;
  return (x) => dropout(x, rate, add<Scalar>(seed, place * SEEDS));
}
