import { oneHot, type Tensor2D, type Tensor5D, tensor, tensor2d } from "@tensorflow/tfjs-core";

/**
 * A partial target of a few voxels.
 *
 * @param labels - Class indices, `[batch][voxel]`; an index that is no class becomes a row of zeros.
 * @param annotated - Whether each class is annotated, `[batch][class]`.
 * @returns `oneHot` `[batch, 1, 1, voxels, class]` and `annotated` `[batch, class]`.
 */
export function partialTarget(
  labels: readonly (readonly number[])[],
  annotated: readonly (readonly number[])[],
): { oneHot: Tensor5D; annotated: Tensor2D } {
  const indices = tensor(labels.flat(), [labels.length, 1, 1, labels[0]?.length ?? 0], "int32");
  return {
    oneHot: oneHot(indices, annotated[0]?.length ?? 0, 1, 0, "float32") as Tensor5D,
    annotated: tensor2d(annotated.map((row) => [...row])),
  };
}
