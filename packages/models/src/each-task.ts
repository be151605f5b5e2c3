import { checkSameShape } from "@plseg/core";
import { concat, slice, type Tensor2D, type Tensor5D, tensor2d, zerosLike } from "@tensorflow/tfjs-core";

/** The organs' columns of a task `[batch, class]`: `[batch, class − 1]`. Throws a ShapeError unless it has that shape. */
export function organsOf(where: string, task: Tensor2D, batch: number, classes: number): Tensor2D {
  checkSameShape(where, ["task", task.shape], ["[batch, class]", [batch, classes]]);
  return slice(task, [0, 1], [batch, classes - 1]);
}

/**
 * Logits of all classes from those of one organ at a time: 0 for the background, then each organ's.
 *
 * @param logitOf - `[batch, depth, height, width, 1]` for a task `[batch, class]`.
 * @returns `[batch, depth, height, width, class]`.
 */
export function eachTask(batch: number, classes: number, logitOf: (task: Tensor2D) => Tensor5D): Tensor5D {
  const organs = Array.from({ length: classes - 1 }, (_, organ) => {
    const row = Array.from({ length: classes }, (_, column) => (column === organ + 1 ? 1 : 0));
    return logitOf(tensor2d(Array.from({ length: batch }, () => row)));
  });
  return concat([zerosLike(organs[0] as Tensor5D), ...organs], 4);
}
