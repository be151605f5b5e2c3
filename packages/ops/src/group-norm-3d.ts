import { ConfigError, checkRank, checkSameShape, withDefaults } from "@plseg/core";
import {
  add,
  broadcastTo,
  customGrad,
  type GradSaveFunc,
  mean,
  mul,
  reshape,
  rsqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor5D,
} from "@tensorflow/tfjs-core";
import { untaped } from "./untaped.js";

/** Options of {@link groupNorm3d}. */
export interface GroupNorm3dOptions {
  /** Added to the variance. */
  readonly epsilon?: number;
}

/** What {@link groupNorm3d} uses where an option is missing. */
export const GROUP_NORM_3D_DEFAULTS: Required<GroupNorm3dOptions> = { epsilon: 1e-5 };

/** Depth, height and width. */
const VOXELS = [1, 2, 3];

/**
 * Group normalization of a volume: channels are normalized together with their neighbors, each sample by itself.
 *
 *     y = (x − mean) / √(variance + ε) · scale + offset      mean, variance: of each sample and group of channels
 *
 *     dx = (g − mean(g) − x̂ · mean(g · x̂)) / σ               g = scale · dy   σ = √(variance + ε)   x̂ = (x − mean)/σ
 *
 * The gradient is written by hand, through the statistics. It is the same in training and in inference.
 *
 * @param x - `[batch, depth, height, width, channel]`.
 * @param groups - Number of groups, each of as many neighboring channels.
 * @param scale - `[channel]`, called weight or gamma elsewhere.
 * @param offset - `[channel]`, called bias or beta elsewhere.
 * @throws ShapeError if the ranks or the channels do not fit, ConfigError if the groups do not divide the channels.
 * @see Wu & He, ECCV 2018, https://arxiv.org/abs/1803.08494. Agrees with PyTorch `GroupNorm`.
 */
export function groupNorm3d(
  x: Tensor5D,
  groups: number,
  scale: Tensor1D,
  offset: Tensor1D,
  options: GroupNorm3dOptions = {},
): Tensor5D {
  const { epsilon } = withDefaults(GROUP_NORM_3D_DEFAULTS, options);
  checkRank("groupNorm3d", ["x", x.shape], [5]);
  checkSameShape("groupNorm3d", ["scale", scale.shape], ["the channels of x", x.shape.slice(-1)]);
  checkSameShape("groupNorm3d", ["offset", offset.shape], ["the channels of x", x.shape.slice(-1)]);
  const channels = x.shape[4];
  if (!(Number.isInteger(groups) && groups >= 1 && channels % groups === 0))
    throw new ConfigError(`groupNorm3d: groups must divide the ${channels} channels of x, got ${groups}.`);
  const groupMean = (values: Tensor): Tensor => overGroups(values, groups);

  const centered = untaped(() => sub<Tensor5D>(x, groupMean(mean(x, VOXELS, true))));
  const inverse = untaped(() => rsqrt(add(groupMean(mean(square(centered), VOXELS, true)), epsilon))); // 1/σ

  const normalize = customGrad<Tensor5D>((...args) => {
    const [, scale, offset, save] = args as unknown as [Tensor5D, Tensor1D, Tensor1D, GradSaveFunc];
    save([scale, centered, inverse]);
    return {
      value: add(mul(centered, mul(inverse, scale)), offset),
      gradFunc: (dy: Tensor5D, saved: Tensor[]) => {
        const [scale, centered, inverse] = saved as [Tensor1D, Tensor5D, Tensor];
        const meanDy = mean(dy, VOXELS, true); // [batch, 1, 1, 1, channel], as what follows
        const meanDyX = mul(mean(mul(dy, centered), VOXELS, true), inverse); // of dy · x̂
        const shift = mul(groupMean(mul(meanDy, scale)), inverse);
        const slope = mul(groupMean(mul(meanDyX, scale)), square(inverse));
        const dx = sub<Tensor5D>(mul(dy, mul(inverse, scale)), add(mul(centered, slope), shift));
        const total = (means: Tensor): Tensor1D => mul(sum(means, [0, ...VOXELS]), x.size / (x.shape[0] * channels));
        return [dx, total(meanDyX), total(meanDy)];
      },
    };
  });
  return normalize(x, scale, offset);
}

/** The mean of each group in the place of each of its channels. `[batch, 1, 1, 1, channel]` → the same. */
function overGroups(values: Tensor, groups: number): Tensor {
  const [batch = 0, , , , channels = 0] = values.shape;
  const grouped = reshape(values, [batch, groups, channels / groups]);
  return reshape(broadcastTo(mean(grouped, 2, true), grouped.shape), values.shape);
}
