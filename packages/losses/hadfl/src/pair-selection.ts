import { ConfigError, checkTarget, type PartialTarget, ShapeError, showShape } from "@plseg/core";
import { add, mul, slice, type Tensor2D, type Tensor5D } from "@tensorflow/tfjs-core";

/** Which (sample, organ) pairs the decoupled losses compare. */
export interface PairOptions {
  /** Number of classes, background included. */
  readonly classes: number;
  /**
   * `"annotated"`: every organ annotated in the sample's scan, in the crop or not.
   * `"crop"`: only organs whose label occurs in the crop, as published.
   */
  readonly presence?: "annotated" | "crop";
  /** Weight of an annotated organ that does not occur in the crop. Only with presence `"annotated"`. */
  readonly absentWeight?: number;
}

/** The pairs of a batch, each `[batch, classes − 1]`. */
export interface PairSelection {
  /** 1 for a pair that counts, else 0. */
  readonly counted: Tensor2D;
  /** Its weight by presence: 1 if the organ occurs in the crop, `absentWeight` if not; 0 if the pair does not count. */
  readonly weight: Tensor2D;
}

/** @throws ConfigError unless every option is possible. */
export function checkPairOptions(where: string, { classes, presence, absentWeight }: Required<PairOptions>): void {
  if (!Number.isInteger(classes) || classes < 2)
    throw new ConfigError(
      `${where}: classes must be a whole number of at least 2, background included, got ${classes}.`,
    );
  if (presence !== "annotated" && presence !== "crop")
    throw new ConfigError(`${where}: presence must be "annotated" or "crop", got ${JSON.stringify(presence)}.`);
  if (!(absentWeight >= 0 && absentWeight < Number.POSITIVE_INFINITY))
    throw new ConfigError(`${where}: absentWeight must be a number of at least 0, got ${absentWeight}.`);
}

/** @throws ShapeError unless logits and target agree with each other and with `classes`. */
export function checkPairShapes(where: string, classes: number, logits: Tensor5D, target: PartialTarget): void {
  checkTarget(where, logits, target);
  if (logits.shape[4] !== classes)
    throw new ShapeError(
      `${where}: logits must have ${classes} classes along their last axis, got ${showShape(logits.shape)}.`,
    );
}

/** Selects and weighs the pairs, given which organs occur in the crop. */
export function selectPairs(
  { classes, presence, absentWeight }: Required<PairOptions>,
  { annotated }: PartialTarget,
  present: Tensor2D,
): PairSelection {
  if (presence === "crop") return { counted: present, weight: present };
  const counted = slice(annotated, [0, 1], [annotated.shape[0], classes - 1]);
  return { counted, weight: mul(counted, add(mul(present, 1 - absentWeight), absentWeight)) };
}
