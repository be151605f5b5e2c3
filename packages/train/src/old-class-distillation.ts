import { type PartialTarget, ShapeError, showShape } from "@plseg/core";
import { stopGradient } from "@plseg/ops";
import {
  add,
  concat,
  exp,
  log,
  max,
  maximum,
  mean,
  mul,
  pad,
  reshape,
  type Scalar,
  slice,
  softmax,
  squeeze,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
  zeros,
} from "@tensorflow/tfjs-core";

/** Logits are lowered by this where a class is not of a group. */
const FAR = 1e9;
/** Least probability whose logarithm is taken. */
const LEAST = 1e-10;

/**
 * What an older network knows, kept: its answer for the organs that it can tell and that nobody annotated in a case stands
 * in for their labels.
 *
 *     t = softmax(teacherLogits), over the old classes        p = softmax(logits), over old and new ones
 *     U = old organs that are not annotated in the sample     R = every other class: background, annotated and new organs
 *     t(R) = t(0) + Σ t(c) over old organs not in U           p(R) = Σ p(c) over R
 *     KL   = t(R) log(t(R) / p(R)) + Σ t(c) log(t(c) / p(c)) over c in U
 *     loss = (1/V) Σ KL over voxels without a label           V: all voxels of the batch
 *
 * The old network never learned of the new organs, so where one lies it says background: R merges them, and nothing
 * here keeps the new network from telling them apart. Old organs that are annotated are in R too, for the labels say where
 * they are; a voxel with a label is not asked about at all. 0 where both agree.
 *
 * @param logits - `[batch, depth, height, width, class]`, old classes first.
 * @param teacherLogits - `[batch, depth, height, width, old class]`; no gradient flows into them.
 * @throws ShapeError if the grids differ, or there are more old classes than classes.
 * @see Cermelli et al., Modeling the Background for Incremental Learning in Semantic Segmentation, CVPR 2020,
 * https://arxiv.org/abs/2002.00718 (old classes and a merged background); Li & Hoiem, Learning without Forgetting, ECCV
 * 2016, https://arxiv.org/abs/1606.09282. Leaving out what is annotated is ours: it is what partial labels add.
 */
export function oldClassDistillation(
  logits: Tensor5D,
  teacherLogits: Tensor5D,
  { oneHot, annotated }: PartialTarget,
): Scalar {
  const [batch, ...grid] = logits.shape.slice(0, 4);
  const [classes, old] = [logits.shape[4], teacherLogits.shape[4]];
  if (showShape(teacherLogits.shape.slice(0, 4)) !== showShape(logits.shape.slice(0, 4)) || old > classes)
    throw new ShapeError(
      `oldClassDistillation: logits and teacherLogits must have one grid, and at least the old classes, got ${showShape(logits.shape)} and ${showShape(teacherLogits.shape)}.`,
    );
  const t = softmax(stopGradient(teacherLogits));
  const asked = askedOrgans(annotated, old); // [batch, old class]: 1 in U
  const askedOf = reshape(asked, [batch as number, 1, 1, 1, old]);
  const known = mul(t, askedOf);
  const rest = maximum(sub(1, sum(known, -1)), LEAST); // t(R) [batch, depth, height, width]

  const everything = logSumExp(logits);
  const inRest = reshape(
    pad(
      sub(1, asked),
      [
        [0, 0],
        [0, classes - old],
      ],
      1,
    ),
    [batch as number, 1, 1, 1, classes],
  );
  const logRest = sub(logSumExp(add(logits, mul(sub(inRest, 1), FAR))), everything); // log p(R)
  const first = slice(logits, [0, 0, 0, 0, 0], [batch as number, ...(grid as [number, number, number]), old]);
  const logKnown = sub(first, reshape(everything, [...everything.shape, 1])); // log p(c) of the old classes

  const ofKnown = sum(mul(known, sub(log(maximum(t, LEAST)), logKnown)), -1);
  const ofRest = mul(rest, sub(log(rest), logRest));
  const unlabeled = squeeze(
    slice(oneHot, [0, 0, 0, 0, 0], [batch as number, ...(grid as [number, number, number]), 1]),
    [4],
  );
  return mean(mul(unlabeled, add(ofKnown, ofRest)));
}

/** `[batch, old class]`: 1 where an old organ is not annotated; the background is never asked about by itself. */
function askedOrgans(annotated: Tensor2D, old: number): Tensor2D {
  const batch = annotated.shape[0];
  const organs = slice(annotated, [0, 1], [batch, old - 1]);
  return concat([zeros([batch, 1]), sub(1, organs)], 1) as Tensor2D;
}

/** log Σ exp over the classes. `[..., class]` → `[...]` */
function logSumExp(x: Tensor): Tensor {
  const largest = stopGradient(max(x, -1, true));
  return add(log(sum(exp(sub(x, largest)), -1)), squeeze(largest, [4]));
}
