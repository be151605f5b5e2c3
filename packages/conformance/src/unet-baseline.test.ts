import type { SegmentationLoss } from "@plseg/core";
import { channelsLast, expectClose, golden } from "@plseg/test-kit";
import { methods } from "@plseg/train";
import { ones, scalar } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines } from "./engines.js";
import { integers, truth } from "./golden-tensors.js";
import { oneHotOf, runLoss } from "./stateless-loss.js";
import { GRADIENT, LOSS } from "./tolerances.js";

const vectors = golden("unet_baseline");
const classes = vectors.json<number>("num_classes");
const logits = channelsLast(vectors.array("logits"));
const inputs = {
  logits,
  oneHot: oneHotOf(integers(vectors.array("labels")), classes),
  annotated: ones([logits.shape[0] ?? 0, classes]),
};

/** The objective of the method `unet`, which looks at the finest scale only and at no progress. */
function baseline(): SegmentationLoss {
  const objective = methods.unet?.objective({ classes, scales: 1 });
  if (!objective) throw new Error("baseline: there is no method unet.");
  return {
    init: () => objective.init(),
    compute: (logits, target, state) =>
      objective.compute([logits], target, state, { progress: scalar(0), image: logits }),
  };
}

describe.each(engines)("the objective of the method unet, $name", ({ run }) => {
  test("agrees with case unet_baseline", async () => {
    const { value, gradient, terms } = await runLoss(run, baseline(), inputs);
    expectClose("loss", [value], truth(vectors, "loss").data, LOSS);
    expectClose("grad_logits", gradient, truth(vectors, "grad_logits").data, GRADIENT);
    expect(terms.supervised?.[0]).toBe(value);
  });
});
