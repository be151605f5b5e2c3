import { taskBce, taskDice } from "@plseg/losses";
import { channelsLast, expectClose, golden } from "@plseg/test-kit";
import { fill, ones, slice, type Tensor, tensor } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines } from "./engines.js";
import { truth } from "./golden-tensors.js";
import { runLoss } from "./stateless-loss.js";
import { GRADIENT, LOSS } from "./tolerances.js";

const vectors = golden("dodnet_losses");
const logits = channelsLast(vectors.array("logits"));
const [batch, depth, height, width, channels] = logits.shape as [number, number, number, number, number];
const targets = Object.fromEntries(
  ["all", "partial", "class_gone", "mixed"].map((name) => [name, channelsLast(vectors.array(`target_${name}`))]),
) as Record<string, Tensor>;
const firstChannel = (x: Tensor): Tensor => slice(x, [0, 0, 0, 0, 0], [batch, depth, height, width, 1]);
const losses = [
  { name: "dice", of: taskDice },
  { name: "bce", of: taskBce },
] as const;

describe.each(engines)("taskDice and taskBce, $name", ({ run }) => {
  describe.each(losses)("$name", ({ name, of }) => {
    const smooth = { smooth: vectors.json<number>("smooth") };
    const loss = of({ compat: "reference", ...(name === "dice" && smooth) });

    test.each(["all", "partial", "class_gone", "mixed"])(
      "agrees with suffix %s of case dodnet_losses",
      async (suffix) => {
        const inputs = { logits, oneHot: targets[suffix] as Tensor, annotated: ones([batch, channels]) };
        const { value, gradient } = await runLoss(run, loss, inputs);
        expectClose("loss", [value], truth(vectors, `loss_${name}_${suffix}`).data, LOSS);
        expectClose("grad_logits", gradient, truth(vectors, `grad_logits_${name}_${suffix}`).data, GRADIENT);
      },
    );

    test("agrees with suffix k1 of case dodnet_losses", async () => {
      const oneHot = firstChannel(targets.all as Tensor);
      const inputs = { logits: firstChannel(logits), oneHot, annotated: ones([batch, 1]) };
      const { value, gradient } = await runLoss(run, loss, inputs);
      expectClose("loss", [value], truth(vectors, `loss_${name}_k1`).data, LOSS);
      const voxels = depth * height * width;
      const expected = truth(vectors, `grad_logits_${name}_k1`).data;
      const ofFirst = Array.from(expected, Number).filter((_, i) => Math.floor(i / voxels) % channels === 0);
      expectClose("grad_logits of channel 0", gradient, ofFirst, GRADIENT);
    });

    test("is 0 without gradient where the reference is NaN, nothing being annotated", async () => {
      expect(Number.isNaN(Number(truth(vectors, `value_${name}_none`).data[0]))).toBe(true);
      const inputs = { logits, oneHot: fill(logits.shape, -1), annotated: ones([batch, channels]) };
      const { value, gradient } = await runLoss(run, loss, inputs);
      expect(value).toBe(0);
      expect(gradient.every((slope) => slope === 0)).toBe(true);
    });
  });

  test.each(["all", "partial", "class_gone"])("taskBce agrees with suffix %s by its default too", async (suffix) => {
    // -1 either fills a (sample, channel) or does not occur: so it may as well be told by `annotated`
    const ternary = targets[suffix] as Tensor;
    const first = slice(ternary, [0, 0, 0, 0, 0], [batch, 1, 1, 1, channels]).dataSync();
    const known = tensor(
      Array.from(first, (y) => (y < 0 ? 0 : 1)),
      [batch, channels],
    );
    const binary = tensor(
      Array.from(ternary.dataSync(), (y) => Math.max(y, 0)),
      ternary.shape,
    );
    for (const inputs of [
      { logits, oneHot: ternary, annotated: ones([batch, channels]) },
      { logits, oneHot: binary, annotated: known },
    ]) {
      const { value, gradient } = await runLoss(run, taskBce(), inputs);
      expectClose("loss", [value], truth(vectors, `loss_bce_${suffix}`).data, LOSS);
      expectClose("grad_logits", gradient, truth(vectors, `grad_logits_bce_${suffix}`).data, GRADIENT);
    }
  });
});
