import { add, div, mul, sub, sum, type Tensor, type Tensor2D } from "@tensorflow/tfjs-core";
import { type LabelGroups, VOXELS } from "./label-groups.js";

/** Added to the denominators, in voxels. */
const SMOOTH = 1e-5;

/** 2 Σ y·p / (Σ y + Σ p + 1e-5) from its sums: 0 if nothing is labeled and nothing predicted. */
export function softDice(overlap: Tensor, labeled: Tensor, predicted: Tensor): Tensor2D {
  return div(mul(overlap, 2), add(add(labeled, predicted), SMOOTH));
}

/**
 * Dice loss of every group, 1 − {@link softDice}, `[batch, class]`: that of the first group in the background's column,
 * and 0 in the columns of the organs merged into it.
 *
 * @param probabilities - Of the classes, or of the groups with 0 in unused channels.
 */
export function groupDice(probabilities: Tensor, { own, first, group }: LabelGroups): Tensor2D {
  const merged = sub(1, own);
  const byGroup = (x: Tensor): Tensor => add(mul(own, x), mul(first, sum(mul(merged, x), 1, true)));
  const counts = add(own, first);
  const overlap = byGroup(sum(mul(group, probabilities), VOXELS));
  const labeled = mul(counts, sum(group, VOXELS));
  return mul(counts, sub(1, softDice(overlap, labeled, byGroup(sum(probabilities, VOXELS))))) as Tensor2D;
}
