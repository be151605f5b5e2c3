import { leafDice } from "@plseg/losses";
import { channelsLast, expectClose, golden } from "@plseg/test-kit";
import { ones, zerosLike } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines } from "./engines.js";
import { integers, truth } from "./golden-tensors.js";
import { oneHotOf, runLoss } from "./stateless-loss.js";
import { GRADIENT, LOSS } from "./tolerances.js";

const vectors = golden("leaf_dice");
const classes = vectors.json<number>("num_classes");
const logits = channelsLast(vectors.array("logits"));
const inputs = {
  logits,
  oneHot: oneHotOf(integers(vectors.array("labels")), classes), // a row of zeros where the label is the superset
  annotated: ones([logits.shape[0] ?? 0, classes]),
};

describe.each(engines)("leafDice, $name", ({ run }) => {
  test.each([
    { variant: "squared", squared: true },
    { variant: "plain", squared: false },
  ])("agrees with case leaf_dice, $variant", async ({ variant, squared }) => {
    const loss = (reduction: "mean" | "sum") =>
      leafDice({ compat: "reference", squared, reduction, smooth: vectors.json<number>("epsilon") });
    const mean = await runLoss(run, loss("mean"), inputs);
    expectClose("loss_mean", [mean.value], truth(vectors, `loss_${variant}_mean`).data, LOSS);
    expectClose("grad_logits_mean", mean.gradient, truth(vectors, `grad_logits_${variant}_mean`).data, GRADIENT);
    expectClose("value_none", mean.terms.perSample ?? [], truth(vectors, `value_${variant}_none`).data, LOSS);

    const total = await runLoss(run, loss("sum"), inputs);
    expectClose("value_sum", [total.value], truth(vectors, `value_${variant}_sum`).data, LOSS);
  });

  test("gives samples of unknown voxels the loss 1 and no gradient, as the reference does", async () => {
    const loss = leafDice({ compat: "reference" });
    const { value, gradient } = await runLoss(run, loss, { ...inputs, oneHot: zerosLike(inputs.oneHot) });
    expect(value).toBeCloseTo(1, 6);
    expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-10);
  });
});
