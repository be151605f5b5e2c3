import { type ConditionalNetwork, type NetworkMode, type Weights, withDefaults } from "@plseg/core";
import {
  add,
  concat,
  leakyRelu,
  maxPool3d,
  mul,
  relu,
  reshape,
  split,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
} from "@tensorflow/tfjs-core";
import { checkCount, checkFeatures, checkImage } from "./check-network.js";
import { eachTask, organsOf } from "./each-task.js";
import { batchNorm, convolve, double, linear, project } from "./layers.js";

/** Shape of CoNeMOS. Level 0 has full resolution; every further level halves each axis. */
export interface ConemosConfig {
  /** Classes, background included: one organ less can be asked for. */
  readonly classes: number;
  /** Image channels. */
  readonly inChannels?: number;
  /** Channels of each level, finest first; two levels at least. */
  readonly features?: readonly number[];
}

/** What {@link conemos} uses where a field is missing. */
export const CONEMOS_DEFAULTS: Required<Omit<ConemosConfig, "classes">> = {
  inChannels: 1,
  features: [16, 32, 64, 128],
};

/** Values by which the condition is described to every layer. */
const EMBEDDING = 64;

/** Layers between the task and its embedding. */
const EMBEDDING_LAYERS = 4;

/**
 * CoNeMOS: a U-Net whose every layer is scaled and shifted for the organ asked for (FiLM).
 *
 *     image [batch, depth, height, width, inChannels], task [batch, class]  →  logit [batch, depth, height, width, 1]
 *
 * The organ changes the features from the first layer on, so organs share no work: `allClasses` runs the network once per
 * organ, one after another, and takes so much longer than {@link dodnet}'s. In training it asks for every organ in turn,
 * and the running statistics move once for each.
 *
 * Convolutions before a batch norm have no bias: the norm would cancel it.
 *
 * @throws ConfigError if the configuration cannot be. The network throws a ShapeError unless depth, height and width are
 * multiples of `2 ** (features.length - 1)` and the task fits.
 * @see Billot et al., MIDL 2024; https://github.com/HiLab-git/PLS4MIS (`CoNeMOS`), with which it agrees, but for the FiLM
 * layers there: they are made after the optimizer, so that they are never trained.
 */
export function conemos(config: ConemosConfig): ConditionalNetwork {
  const { classes } = config;
  const { inChannels, features } = withDefaults<Omit<ConemosConfig, "classes">>(CONEMOS_DEFAULTS, config);
  checkCount("conemos", "classes", classes, 2);
  checkCount("conemos", "inChannels", inChannels, 1);
  checkFeatures("conemos", features);

  const oneTask: ConditionalNetwork["oneTask"] = (weights, image, task, mode) => {
    checkImage("conemos", image, inChannels, features.length - 1);
    const condition = embed(weights.at("condition"), organsOf("conemos", task, image.shape[0], classes)); // [batch, EMBEDDING]

    let h = image;
    const skips: Tensor5D[] = [];
    for (const [level, width] of features.entries()) {
      if (level > 0) h = maxPool3d(h, 2, 2, "valid");
      h = block(weights.at(`encoder.${level}`), h, width, condition, mode);
      skips.push(h); // [batch, depth / 2^level, height / 2^level, width / 2^level, features[level]]
    }

    for (const [level, width] of [...features.entries()].slice(0, -1).reverse()) {
      const stage = weights.at(`decoder.${level}`);
      h = concat([skips[level] as Tensor5D, double(project(stage.at("up"), h, width))], 4); // [..., 2 · features[level]]
      h = block(stage, h, width, condition, mode);
    }
    return project(weights.at("head"), h, 1);
  };

  return {
    oneTask,
    allClasses: (weights, image, mode) => [
      eachTask(image.shape[0], classes, (task) => oneTask(weights, image, task, mode)),
    ],
  };
}

/** The multilayer perceptron that describes the organ: `[batch, organ]` → `[batch, EMBEDDING]` */
function embed(weights: Weights, organs: Tensor2D): Tensor2D {
  let h = organs;
  for (let layer = 0; layer < EMBEDDING_LAYERS; layer++)
    h = leakyRelu(linear(weights.at(String(layer)), h, EMBEDDING), 0.2);
  return h;
}

/** Two convolutions. `[batch, d, h, w, from]` → `[batch, d, h, w, to]` */
function block(weights: Weights, x: Tensor5D, to: number, condition: Tensor2D, mode: NetworkMode): Tensor5D {
  return ["0", "1"].reduce((h, place) => layer(weights.at(place), h, to, condition, mode), x);
}

/** 3×3×3 convolution, batch norm, ReLU, FiLM. */
function layer(weights: Weights, x: Tensor5D, to: number, condition: Tensor2D, mode: NetworkMode): Tensor5D {
  const h = relu(batchNorm(weights.at("norm"), convolve(weights, x, to), mode));
  return film(weights.at("film"), h, condition);
}

/** `(1 + g) x + b`, gain and offset of each channel drawn from the condition. */
function film(weights: Weights, x: Tensor5D, condition: Tensor2D): Tensor5D {
  const [batch, , , , channels] = x.shape;
  const perChannel = (values: Tensor): Tensor => reshape(values, [batch, 1, 1, 1, channels]);
  const [gain, offset] = split(linear(weights, condition, 2 * channels), 2, 1) as [Tensor2D, Tensor2D];
  return add(mul(x, perChannel(add(gain, 1))), perChannel(offset));
}
