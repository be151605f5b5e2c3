import { type ConditionalNetwork, ConfigError, type Weights, withDefaults } from "@plseg/core";
import { groupNorm3d, standardizeKernel } from "@plseg/ops";
import { add, conv3d, mean, pad, relu, type Tensor1D, type Tensor2D, type Tensor5D } from "@tensorflow/tfjs-core";
import { checkCount, checkFeatures, checkImage } from "./check-network.js";
import { dynamicHead, HEAD, type SharedFeatures } from "./dynamic-head.js";
import { eachTask, organsOf } from "./each-task.js";
import { double, project } from "./layers.js";

/** Shape of DoDNet. Level 0 has full resolution; every further level halves each axis. */
export interface DodnetConfig {
  /** Classes, background included: one organ less can be asked for. */
  readonly classes: number;
  /** Image channels. */
  readonly inChannels?: number;
  /** Channels of each level, finest first; two levels at least. */
  readonly features?: readonly number[];
  /** Groups of the group norms; each of the features must be a multiple. */
  readonly groups?: number;
  /** Whether to standardize the kernels of trunk and decoder. */
  readonly weightStandardization?: boolean;
}

/** What {@link dodnet} uses where a field is missing. */
export const DODNET_DEFAULTS: Required<Omit<DodnetConfig, "classes">> = {
  inChannels: 1,
  features: [32, 64, 128, 256, 256],
  groups: 16,
  weightStandardization: true,
};

/** What norms and convolutions go by. */
type Style = Pick<typeof DODNET_DEFAULTS, "groups" | "weightStandardization">;

/**
 * DoDNet: a residual U-Net that is the same for all organs, and a head of three 1×1×1 convolutions whose filters a
 * controller makes for the organ asked for, from the image and the task.
 *
 *     image [batch, depth, height, width, inChannels], task [batch, class]  →  logit [batch, depth, height, width, 1]
 *
 * Encoder and decoder know nothing of the task, so `allClasses` runs them once and then a head of a few hundred
 * multiplications a voxel for each organ. (The published code runs the whole network once per organ.)
 *
 * @throws ConfigError if the configuration cannot be. The network throws a ShapeError unless depth, height and width are
 * multiples of `2 ** (features.length - 1)` and the task fits.
 * @see Zhang et al., CVPR 2021, https://arxiv.org/abs/2011.10217; https://github.com/HiLab-git/PLS4MIS (`unet3D`), with
 * which it agrees.
 */
export function dodnet(config: DodnetConfig): ConditionalNetwork {
  const { classes } = config;
  const options = withDefaults<Omit<DodnetConfig, "classes">>(DODNET_DEFAULTS, config);
  const { inChannels, features, groups } = options;
  checkCount("dodnet", "classes", classes, 2);
  checkCount("dodnet", "inChannels", inChannels, 1);
  checkCount("dodnet", "groups", groups, 1);
  checkFeatures("dodnet", features);
  if (!features.every((width) => width % groups === 0))
    throw new ConfigError(`dodnet: features must be multiples of the ${groups} groups, got [${features.join(", ")}].`);

  const trunk = (weights: Weights, image: Tensor5D): SharedFeatures => {
    checkImage("dodnet", image, inChannels, features.length - 1);
    let h = convolve(weights.at("stem"), image, { to: features[0] as number }, options);
    const skips: Tensor5D[] = [];
    for (const [level, to] of features.entries()) {
      const stage = weights.at(`encoder.${level}`);
      h = residual(stage.at("0"), h, { to, stride: level === 0 ? 1 : 2 }, options);
      if (level > 0) h = residual(stage.at("1"), h, { to }, options);
      skips.push(h); // [batch, depth / 2^level, height / 2^level, width / 2^level, features[level]]
    }
    h = layer(weights.at("fusion"), h, { to: features.at(-2) as number, size: 1 }, options);
    const summary = mean<Tensor2D>(activate(weights.at("controller"), h, options), [1, 2, 3]); // [batch, features.at(-2)]

    for (const level of [...features.keys()].slice(0, -1).reverse()) {
      h = add(double(h, false), skips[level] as Tensor5D); // [..., features[level]]
      h = residual(weights.at(`decoder.${level}`), h, { to: features[Math.max(level - 1, 0)] as number }, options);
    }
    return { summary, features: project(weights.at("head"), activate(weights.at("head"), h, options), HEAD) };
  };

  const head = (weights: Weights, shared: SharedFeatures, task: Tensor2D): Tensor5D =>
    dynamicHead(weights.at("controller"), shared, organsOf("dodnet", task, shared.features.shape[0], classes));

  return {
    oneTask: (weights, image, task, _mode) => head(weights, trunk(weights, image), task),
    allClasses(weights, image, _mode) {
      const shared = trunk(weights, image);
      return [eachTask(image.shape[0], classes, (task) => head(weights, shared, task))];
    },
  };
}

/** A layer from `from` to `to` channels with a kernel of `size` voxels a side, 3 unless told. */
interface LayerShape {
  readonly to: number;
  readonly size?: number;
  readonly stride?: number;
}

/** Two layers and a way around them. `[batch, d, h, w, from]` → `[batch, d / stride, h / stride, w / stride, to]` */
function residual(weights: Weights, x: Tensor5D, { to, stride = 1 }: LayerShape, style: Style): Tensor5D {
  const same = stride === 1 && x.shape[4] === to;
  const around = same ? x : layer(weights.at("skip"), x, { to, size: 1, stride }, style);
  const h = layer(weights.at("0"), x, { to, stride }, style);
  return add(layer(weights.at("1"), h, { to }, style), around);
}

/** Group norm, ReLU, convolution. */
function layer(weights: Weights, x: Tensor5D, shape: LayerShape, style: Style): Tensor5D {
  return convolve(weights, activate(weights, x, style), shape, style);
}

/** Group norm, ReLU. */
function activate(weights: Weights, x: Tensor5D, { groups }: Style): Tensor5D {
  const [channels, norm] = [x.shape[4], weights.at("norm")];
  const scale = norm.get("weight", [channels], "ones") as Tensor1D;
  return relu(groupNorm3d(x, groups, scale, norm.get("bias", [channels], "zeros") as Tensor1D));
}

/** Convolution without bias, zeros around: `[batch, d, h, w, from]` → `[batch, d / stride, h / stride, w / stride, to]` */
function convolve(weights: Weights, x: Tensor5D, shape: LayerShape, { weightStandardization }: Style): Tensor5D {
  const { to, size = 3, stride = 1 } = shape;
  const kernel = weights.get("weight", [size, size, size, x.shape[4], to], "xavier-normal") as Tensor5D;
  const standard = weightStandardization ? standardizeKernel(kernel) : kernel;
  if (stride === 1) return conv3d(x, standard, 1, "same");
  // "same" would put the zeros behind an even side, and leave out the first voxel where the kernel has one voxel
  const front: [number, number] = [size >> 1, 0];
  const framed = size === 1 ? x : pad(x, [[0, 0], front, front, front, [0, 0]]);
  return conv3d(framed, standard, stride, "valid");
}
