import { checkRank, checkSameShape, type PartialTarget } from "@plseg/core";
import { mul, reshape, sum, type Tensor2D, type Tensor5D } from "@tensorflow/tfjs-core";

/**
 * The target of a network that segments one organ at a time: in each sample, the organ that its task names.
 *
 * @param target - Of all classes.
 * @param task - `[batch, class]`, 1 at the organ asked for in each sample and 0 elsewhere.
 * @returns `oneHot` `[batch, depth, height, width, 1]`, 1 on the organ, and `annotated` `[batch, 1]`.
 * @throws ShapeError unless `task` has the shape of `target.annotated`, one number per sample and class of `oneHot`.
 */
export function taskTarget({ oneHot, annotated }: PartialTarget, task: Tensor2D): PartialTarget {
  checkRank("taskTarget", ["target.oneHot", oneHot.shape], [5]);
  checkSameShape("taskTarget", ["task", task.shape], ["target.annotated", annotated.shape]);
  const [batch, , , , classes] = oneHot.shape;
  checkSameShape("taskTarget", ["task", task.shape], ["[batch, class] of target.oneHot", [batch, classes]]);
  return {
    oneHot: sum(mul(oneHot, reshape(task, [batch, 1, 1, 1, classes])), -1, true) as Tensor5D,
    annotated: sum(mul(annotated, task), -1, true) as Tensor2D,
  };
}
