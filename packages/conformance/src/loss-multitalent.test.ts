import { multiTalentLoss } from "@plseg/losses";
import { channelsLast, expectClose, golden } from "@plseg/test-kit";
import { ones, zerosLike } from "@tensorflow/tfjs-core";
import { describe, test } from "vitest";
import { engines } from "./engines.js";
import { integers, truth } from "./golden-tensors.js";
import { oneHotOf, runLoss } from "./stateless-loss.js";
import { GRADIENT, LOSS } from "./tolerances.js";

const vectors = golden("multitalent");
const classes = vectors.json<number>("num_classes");
const logits = channelsLast(vectors.array("logits"));
const labels = integers(vectors.array("labels"));
const annotated = ones([logits.shape[0] ?? 0, classes]);
const background = oneHotOf(zerosLike(labels), classes);
const oneHot = oneHotOf(labels, classes);

describe.each(engines)("multiTalentLoss, $name", ({ run }) => {
  test.each([
    { suffix: "sum", options: {}, oneHot },
    { suffix: "avg", options: { reduction: "mean" }, oneHot },
    { suffix: "avg_with_bg", options: { reduction: "mean", includeBackground: true }, oneHot },
    { suffix: "no_fg", options: {}, oneHot: background },
  ] as const)("agrees with loss_$suffix of case multitalent", async ({ suffix, options, oneHot }) => {
    const loss = multiTalentLoss({ compat: "reference", smooth: vectors.json<number>("eps"), ...options });
    const { value, gradient } = await runLoss(run, loss, { logits, oneHot, annotated });
    expectClose(`loss_${suffix}`, [value], truth(vectors, `loss_${suffix}`).data, LOSS);
    expectClose(`grad_logits_${suffix}`, gradient, truth(vectors, `grad_logits_${suffix}`).data, GRADIENT);
  });
});
