import type { SegmentationLoss } from "@plseg/core";
import { valueAndGradients } from "@plseg/ops";
import { channelsFirst } from "@plseg/test-kit";
import { cast, concat, oneHot, ones, type Tensor, type Tensor2D, type Tensor5D } from "@tensorflow/tfjs-core";
import type { Engine, TensorFunction, Tensors } from "./engines.js";
import { output, scalarOutput } from "./golden-tensors.js";

/** What a stateless loss gives, read back. */
export interface LossValues {
  readonly value: number;
  /** By the logits, in the order of golden arrays. */
  readonly gradient: Float32Array;
  readonly terms: Readonly<Record<string, Float32Array>>;
}

/** What a stateless loss is computed from. */
export interface LossInputs {
  readonly logits: Tensor;
  /** Of the shape of the logits. */
  readonly oneHot: Tensor;
  /** `[batch, class]` */
  readonly annotated: Tensor;
}

/** Runs a loss without state on an engine. */
export async function runLoss(
  run: Engine["run"],
  loss: SegmentationLoss,
  { logits, oneHot, annotated }: LossInputs,
): Promise<LossValues> {
  let names: string[] = [];
  const fn: TensorFunction = (inputs: Tensors) => {
    const x = inputs.logits as Tensor5D;
    const target = { oneHot: inputs.oneHot as Tensor5D, annotated: inputs.annotated as Tensor2D };
    const compute = () => {
      const { value, terms } = loss.compute(x, target, loss.init());
      return { value, aux: terms };
    };
    const { value, aux, gradients } = valueAndGradients(compute, [x]);
    names = Object.keys(aux);
    return { ...aux, value, gradient: gradients[0] as Tensor };
  };
  const results = await run(fn, { logits, oneHot, annotated });
  const { shape, data } = output(results, "gradient");
  return {
    value: scalarOutput(results, "value"),
    gradient: channelsFirst(shape, data),
    terms: Object.fromEntries(names.map((name) => [name, output(results, name).data])),
  };
}

/** `[batch, depth, height, width]` of class indices to one-hot; an index of `classes` or more to zeros. */
export const oneHotOf = (labels: Tensor, classes: number): Tensor => oneHot(labels, classes, 1, 0, "float32");

/** `annotated [batch, classes − 1]` of a golden case with the background's column, 1, put in front. */
export const withBackground = (organs: Tensor): Tensor =>
  concat([ones([organs.shape[0] ?? 0, 1]), cast(organs, "float32")], 1);
