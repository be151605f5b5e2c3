import { cocl } from "@plseg/losses";
import { valueAndGradients } from "@plseg/ops";
import { channelsFirst, channelsLast, expectClose, golden } from "@plseg/test-kit";
import type { Tensor, Tensor5D } from "@tensorflow/tfjs-core";
import { describe, test } from "vitest";
import { engines, type Tensors } from "./engines.js";
import { output, truth } from "./golden-tensors.js";
import { GRADIENT, LOSS } from "./tolerances.js";

describe.each(engines)("cocl, $name", ({ run }) => {
  test("agrees with case cocl", async () => {
    const vectors = golden("cocl");
    const loss = cocl();
    const fn = (inputs: Tensors): Tensors => {
      const logits = inputs.logits as Tensor5D;
      const { value, gradients } = valueAndGradients(() => ({ value: loss(logits), aux: {} }), [logits]);
      return { value, gradient: gradients[0] as Tensor };
    };
    const results = await run(fn, { logits: channelsLast(vectors.array("logits")) });
    expectClose("loss", output(results, "value").data, truth(vectors, "loss").data, LOSS);
    const { shape, data } = output(results, "gradient");
    expectClose("grad_logits", channelsFirst(shape, data), truth(vectors, "grad_logits").data, GRADIENT);
  });
});
