import { type Network, type NetworkMode, type Weights, withDefaults } from "@plseg/core";
import { averagePool3d } from "@plseg/ops";
import {
  add,
  addN,
  concat,
  max,
  maxPool3d,
  mean,
  mul,
  relu,
  reshape,
  softmax,
  split,
  type Tensor2D,
  type Tensor5D,
} from "@tensorflow/tfjs-core";
import { checkCount, checkFeatures, checkImage } from "./check-network.js";
import { batchNorm, convolve, double, project } from "./layers.js";

/** Shape of PIPO-FAN. Level 0 has full resolution; every further level halves each axis. */
export interface PipoFanConfig {
  /** Output channels, the background among them. */
  readonly classes: number;
  /** Image channels. */
  readonly inChannels?: number;
  /** Channels of each level, finest first; two levels at least. */
  readonly features?: readonly number[];
  /** Whether to fuse the logits of all levels by attention, or to give each level's. */
  readonly fusion?: boolean;
}

/** What {@link pipoFan} uses where a field is missing. */
export const PIPO_FAN_DEFAULTS: Required<Omit<PipoFanConfig, "classes">> = {
  inChannels: 1,
  features: [16, 32, 64, 64],
  fusion: true,
};

/**
 * PIPO-FAN: a residual U-Net that takes the image at every scale (pyramid input), predicts from every level (pyramid
 * output), and fuses these predictions by how much attention each deserves in a sample.
 *
 *     image [batch, depth, height, width, inChannels]  →  logits [batch, depth, height, width, classes]
 *
 * Without fusion it gives the logits of every level instead, finest first, all at full resolution.
 *
 * One stem reads all scales and one attention module all predictions, so in training their running statistics move
 * once for each, coarsest last and first. No convolution has a bias but the last of each level: a batch norm cancels
 * it, in however many layers. Images of any size are fused, not those of one patch size alone.
 *
 * @throws ConfigError if the configuration cannot be. The network throws a ShapeError unless depth, height and width are
 * multiples of `2 ** (features.length - 1)`.
 * @see Fang & Yan, TMI 2020, https://arxiv.org/abs/2001.00208; https://github.com/HiLab-git/PLS4MIS (`ResUNet`), with
 * which it agrees, less the modules there that nothing uses.
 */
export function pipoFan(config: PipoFanConfig): Network {
  const { classes } = config;
  const options = withDefaults<Omit<PipoFanConfig, "classes">>(PIPO_FAN_DEFAULTS, config);
  const { inChannels, features, fusion } = options;
  checkCount("pipoFan", "classes", classes, 2);
  checkCount("pipoFan", "inChannels", inChannels, 1);
  checkFeatures("pipoFan", features);
  const widthOf = (level: number): number => features[Math.max(level, 0)] as number;

  return (weights, image, mode) => {
    checkImage("pipoFan", image, inChannels, features.length - 1);

    let scaled = image;
    let h = image;
    const skips: Tensor5D[] = [];
    for (const [level, width] of features.entries()) {
      if (level > 0) scaled = averagePool3d(scaled, [2, 2, 2]);
      let lateral = stem(weights.at("stem"), scaled, widthOf(0), mode);
      for (let k = 1; k < level; k++)
        lateral = residual(weights.at(`lateral.${level}.${k - 1}`), lateral, widthOf(k), mode);
      if (level === 0) h = lateral;
      else {
        h = concat([maxPool3d(h, 2, 2, "valid"), lateral], 4); // [..., 2 · features[level − 1]]
        h = residual(weights.at(`encoder.${level}`), h, width, mode);
      }
      skips.push(h); // [batch, depth / 2^level, height / 2^level, width / 2^level, features[level]]
    }

    const pyramid: Tensor5D[] = []; // finest first
    for (const level of [...features.keys()].reverse()) {
      if (level < features.length - 1) {
        h = concat([skips[level] as Tensor5D, double(h)], 4);
        h = residual(weights.at(`decoder.${level}`), h, widthOf(level - 1), mode);
      }
      let o = h;
      for (let k = 0; k < level; k++) o = residual(weights.at(`output.${level}.${k}`), o, widthOf(level - 2 - k), mode);
      o = project(weights.at(`head.${level}`), activate(weights.at(`head.${level}`), o, mode), classes);
      for (let k = 0; k < level; k++) o = double(o);
      pyramid.unshift(o); // [batch, depth, height, width, classes]
    }
    return fusion ? [fuse(weights.at("attention"), pyramid, mode)] : pyramid;
  };
}

/** What reads the image at one scale. `[batch, d, h, w, inChannels]` → `[batch, d, h, w, to]` */
function stem(weights: Weights, x: Tensor5D, to: number, mode: NetworkMode): Tensor5D {
  return layer(weights.at("1"), convolve(weights.at("0"), x, to), to, mode);
}

/** Two layers and a way around them. `[batch, d, h, w, from]` → `[batch, d, h, w, to]` */
function residual(weights: Weights, x: Tensor5D, to: number, mode: NetworkMode): Tensor5D {
  const h = layer(weights.at("1"), layer(weights.at("0"), x, to, mode), to, mode);
  return add(h, x.shape[4] === to ? x : layer(weights.at("skip"), x, to, mode, 1));
}

/** Batch norm, ReLU, convolution without bias. */
function layer(weights: Weights, x: Tensor5D, to: number, mode: NetworkMode, size = 3): Tensor5D {
  return convolve(weights, activate(weights, x, mode), to, size);
}

/** Batch norm, ReLU. */
function activate(weights: Weights, x: Tensor5D, mode: NetworkMode): Tensor5D {
  return relu(batchNorm(weights.at("norm"), x, mode));
}

/**
 * The mean of the pyramid's logits, weighted in each sample by a softmax over levels of what attention says of them.
 *
 * Attention is a map of one channel, of which the mean and the largest value count.
 */
function fuse(weights: Weights, pyramid: readonly Tensor5D[], mode: NetworkMode): Tensor5D {
  const scores = [...pyramid].reverse().map((logits) => {
    const attended = layer(weights.at("1"), layer(weights.at("0"), logits, 1, mode, 1), 1, mode); // [..., 1]
    return add<Tensor2D>(mean(attended, [1, 2, 3]), max(attended, [1, 2, 3])); // [batch, 1]
  });
  const shares = split(softmax(concat(scores.reverse(), 1)), pyramid.length, 1);
  return addN(
    pyramid.map((logits, level) => mul(logits, reshape(shares[level] as Tensor2D, [logits.shape[0], 1, 1, 1, 1]))),
  );
}
