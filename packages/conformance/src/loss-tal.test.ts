import { targetAdaptiveLoss } from "@plseg/losses";
import { channelsLast, expectClose, golden } from "@plseg/test-kit";
import { ones, type Tensor, zeros } from "@tensorflow/tfjs-core";
import { describe, test } from "vitest";
import { engines } from "./engines.js";
import { integers, truth } from "./golden-tensors.js";
import { oneHotOf, runLoss, withBackground } from "./stateless-loss.js";
import { GRADIENT, LOSS } from "./tolerances.js";

const vectors = golden("tal");
const classes = vectors.json<number>("num_classes");
const logits = channelsLast(vectors.array("logits"));
const batch = logits.shape[0] ?? 0;
const oneHot = oneHotOf(integers(vectors.array("labels")), classes);

const variants: { suffix: string; organs: Tensor }[] = [
  { suffix: "", organs: integers(vectors.array("annotated")) },
  { suffix: "_skip", organs: integers(vectors.array("annotated_skip")) },
  { suffix: "_full", organs: ones([batch, classes - 1]) },
  { suffix: "_none", organs: zeros([batch, classes - 1]) },
];

describe.each(engines)("targetAdaptiveLoss, $name", ({ run }) => {
  test.each(variants)("agrees with loss$suffix of case tal", async ({ suffix, organs }) => {
    const annotated = withBackground(organs);
    const loss = targetAdaptiveLoss({ compat: "reference" });
    const { value, gradient } = await runLoss(run, loss, { logits, oneHot, annotated });
    expectClose(`loss${suffix}`, [value], truth(vectors, `loss${suffix}`).data, LOSS);
    expectClose(`grad_logits${suffix}`, gradient, truth(vectors, `grad_logits${suffix}`).data, GRADIENT);
  });
});
