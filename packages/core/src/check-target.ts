import type { Tensor5D } from "@tensorflow/tfjs-core";
import { ShapeError } from "./errors.js";
import type { PartialTarget } from "./loss.js";
import { checkRank, checkSameShape, showShape } from "./shape.js";

/**
 * Checks what every loss of logits and a partial target needs: logits `[batch, depth, height, width, class]`, `oneHot`
 * of the same shape, and `annotated` `[batch, class]`.
 *
 * @throws ShapeError unless they agree.
 */
export function checkTarget(where: string, logits: Tensor5D, { oneHot, annotated }: PartialTarget): void {
  checkRank(where, ["logits", logits.shape], [5]);
  checkSameShape(where, ["logits", logits.shape], ["target.oneHot", oneHot.shape]);
  const expected = [logits.shape[0], logits.shape[4]];
  if (annotated.shape.length === 2 && annotated.shape.every((size, axis) => size === expected[axis])) return;
  throw new ShapeError(
    `${where}: target.annotated must have the shape ${showShape(expected)}, got ${showShape(annotated.shape)}.`,
  );
}
