import { type Size3D, sigmoidRampup } from "@plseg/core";
import { cocl, hadfl, psd } from "@plseg/losses";
import { resizeNearest, valueAndGradients } from "@plseg/ops";
import { channelsFirst, channelsLast, expectClose, golden } from "@plseg/test-kit";
import {
  add,
  div,
  mul,
  ones,
  type Scalar,
  scalar,
  stack,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
} from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { type Arrays, engines, type Tensors } from "./engines.js";
import { integers, oneHotLabels, output, scalarOutput, truth } from "./golden-tensors.js";
import { GRADIENT, LOSS } from "./tolerances.js";

const vectors = golden("pl_total");
const classes = vectors.json<number>("num_classes");
const alpha = vectors.json<number>("alpha");
const epochs = vectors.json<number[]>("epochs");
const scales = vectors.names
  .flatMap((name) => /^logits_(\d+)$/.exec(name)?.[1] ?? [])
  .map(Number)
  .sort((a, b) => a - b);
const supervisions = scales.map(() => hadfl({ classes, presence: "crop" }));
const distill = psd({ temperature: vectors.json<number>("temperature") });
const contrast = cocl();

/** All terms of the objective for logits of every scale, finest first. */
function objective(logits: Tensor5D[], labels: Tensor, annotated: Tensor, consistencyWeight: Tensor): Tensors {
  const oneHot = oneHotLabels(labels, classes);
  const results = supervisions.map((loss, i) => {
    const x = logits[i] as Tensor5D;
    const target = {
      oneHot: resizeNearest(oneHot, x.shape.slice(1, 4) as unknown as Size3D),
      annotated: annotated as Tensor2D,
    };
    return loss.compute(x, target, loss.init());
  });
  const supervised = div(sumOf(results.map(({ value }) => value)), results.length);
  const distillation = distill(logits);
  const orthogonality = contrast(logits[0] as Tensor5D);
  const segmentation = Object.fromEntries(results.map(({ value }, i) => [`seg_${scales[i]}`, value]));
  const pairs = logits.slice(1).map((student, i) => [`psd_${i + 1}`, distill([logits[i] as Tensor5D, student])]);
  return {
    ...segmentation,
    ...Object.fromEntries(pairs),
    supervised,
    distillation,
    cocl: orthogonality,
    total: add(add(supervised, mul(consistencyWeight, distillation)), mul(orthogonality, alpha)),
    class_weights: stack(results.map(({ terms }) => terms.classWeights as Tensor)),
  };
}

const sumOf = (terms: Tensor[]): Tensor => terms.reduce((total, term) => add(total, term));

/** The objective, and the gradient of each of `parts` by scale. */
function withGradients(parts: readonly string[]): (inputs: Tensors) => Tensors {
  return ({ labels, annotated, consistencyWeight, ...inputs }) => {
    const logits = scales.map((scale) => inputs[`logits_${scale}`] as Tensor5D);
    const terms = (): Tensors => objective(logits, labels as Tensor, annotated as Tensor, consistencyWeight as Tensor);
    const byPart = parts.flatMap((part) => {
      const { gradients } = valueAndGradients(() => ({ value: terms()[part] as Scalar, aux: {} }), logits);
      return gradients.map((gradient, i) => [`grad_${part}_logits_${scales[i]}`, gradient]);
    });
    return { ...terms(), ...Object.fromEntries(byPart) };
  };
}

const inputsAt = (consistencyWeight: number): Tensors => ({
  ...Object.fromEntries(scales.map((scale) => [`logits_${scale}`, channelsLast(vectors.array(`logits_${scale}`))])),
  labels: integers(vectors.array("labels")),
  annotated: ones([vectors.array("labels").shape[0] ?? 0, classes]),
  consistencyWeight: scalar(consistencyWeight),
});

const consistencyWeightAt = (epoch: number): number =>
  vectors.json<number>("consistency") * sigmoidRampup(epoch, vectors.json<number>("max_epoch"));

/** Compares a gradient with the stored one, or with 0 if none is stored. */
function expectGradient(name: string, stored: string, results: Arrays): void {
  const { shape, data } = output(results, name);
  if (vectors.names.includes(stored))
    expectClose(stored, channelsFirst(shape, data), truth(vectors, stored).data, GRADIENT);
  else expect(data.every((value) => value === 0)).toBe(true);
}

describe.each(engines)("PL-Seg objective, $name", ({ run }) => {
  const values = withGradients([]);

  test.each([...epochs.entries()])("agrees with case pl_total (entry %d, epoch %d)", async (index, epoch) => {
    const consistencyWeight = consistencyWeightAt(epoch);
    expect(consistencyWeight).toBeCloseTo(Number(vectors.array("consistency_weight").data[index]), 12);
    const results = await run(values, inputsAt(consistencyWeight));
    for (const name of Object.keys(results).filter((name) => name !== "class_weights"))
      expectClose(name, [scalarOutput(results, name)], [Number(truth(vectors, name).data[index])], LOSS);
    expectClose("class_weights", output(results, "class_weights").data, truth(vectors, "class_weights").data, LOSS);
  });

  test("agrees with the gradient of each part", { timeout: 60_000 }, async () => {
    const parts = ["supervised", "distillation", "cocl"];
    const results = await run(withGradients(parts), inputsAt(0));
    for (const part of parts)
      for (const scale of scales)
        expectGradient(`grad_${part}_logits_${scale}`, `grad_${part}_logits_${scale}`, results);
  });

  test("agrees with every stored gradient of the total", { timeout: 60_000 }, async () => {
    const stored = epochs.filter((epoch) => vectors.names.some((name) => name.startsWith(`grad_total_e${epoch}_`)));
    expect(stored.length).toBeGreaterThan(0);
    for (const epoch of stored) {
      const results = await run(withGradients(["total"]), inputsAt(consistencyWeightAt(epoch)));
      for (const scale of scales)
        expectGradient(`grad_total_logits_${scale}`, `grad_total_e${epoch}_logits_${scale}`, results);
    }
  });
});
