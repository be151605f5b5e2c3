import type { LossState, SegmentationLoss } from "@plseg/core";
import { decoupledForegroundLoss, hadfl } from "@plseg/losses";
import { valueAndGradients } from "@plseg/ops";
import { channelsFirst, channelsLast, expectClose, type GoldenCase, golden } from "@plseg/test-kit";
import { cast, concat, ones, type Tensor, type Tensor2D, type Tensor5D, tensor } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines, type TensorFunction } from "./engines.js";
import { entry, integers, oneHotLabels, output, scalarOutput, truth } from "./golden-tensors.js";
import { GRADIENT, LOSS } from "./tolerances.js";

/** Value, gradient, terms and next state of a loss as a function of logits, labels, annotation and state. */
function lossFunction<State extends LossState>(loss: SegmentationLoss<State>, classes: number): TensorFunction {
  return ({ logits, labels, annotated, ...state }) => {
    const target = { oneHot: oneHotLabels(labels as Tensor, classes), annotated: annotated as Tensor2D };
    const x = logits as Tensor5D;
    const compute = () => {
      const { value, terms, state: next } = loss.compute(x, target, state as unknown as State);
      // a graph's outputs need other names than its inputs
      const named = Object.entries(next).map(([name, x]): [string, Tensor] => [`next.${name}`, x]);
      return { value, aux: { ...terms, ...Object.fromEntries(named) } };
    };
    const { value, aux, gradients } = valueAndGradients(compute, [x]);
    return { ...aux, value, gradient: gradients[0] as Tensor };
  };
}

/** `annotated [batch, classes − 1]` of a golden case with the background's column put in front. */
function annotatedWithBackground(organs: Tensor): Tensor {
  return concat([ones([organs.shape[0] ?? 0, 1]), cast(organs, "float32")], 1);
}

describe.each(engines)("decoupledForegroundLoss, $name", ({ run }) => {
  test("agrees with case dfl", async () => {
    const vectors = golden("dfl");
    const classes = vectors.json<number>("num_classes");
    const logits = channelsLast(vectors.array("logits"));
    const labels = integers(vectors.array("labels"));
    const annotated = ones([logits.shape[0] ?? 0, classes]);
    const fn = lossFunction(decoupledForegroundLoss({ classes, presence: "crop" }), classes);
    const results = await run(fn, { logits, labels, annotated });
    expectClose("loss", output(results, "value").data, truth(vectors, "loss").data, LOSS);
    const { shape, data } = output(results, "gradient");
    expectClose("grad_logits", channelsFirst(shape, data), truth(vectors, "grad_logits").data, GRADIENT);
  });
});

describe.each(engines)("hadfl, $name", ({ run }) => {
  test.each([
    { name: "hadfl", presence: "crop" },
    { name: "hadfl_hybrid", presence: "annotated" },
  ] as const)("agrees with every call of case $name", { timeout: 60_000 }, async ({ name, presence }) => {
    const vectors = golden(name);
    const classes = vectors.json<number>("num_classes");
    const calls = vectors.json<number>("calls");
    const gradientCalls = vectors.json<number[]>("grad_calls_1based");
    const loss = hadfl({
      classes,
      presence,
      window: vectors.json<number>("history_window"),
      ...(presence === "annotated" && { absentWeight: vectors.json<number>("neg_weight") }),
    });
    const fn = lossFunction(loss, classes);

    let history: Tensor = loss.init().history;
    for (let call = 0; call < calls; call++) {
      const logits = channelsLast(entry(vectors.array("logits"), call));
      const results = await run(fn, {
        logits,
        labels: integers(entry(vectors.array("labels"), call)),
        annotated: annotationOf(vectors, call, [logits.shape[0] ?? 0, classes]),
        history,
      });
      const check = (what: string, ours: string, tolerance = LOSS): void =>
        expectClose(
          `${what} of call ${call + 1}`,
          output(results, ours).data,
          entry(truth(vectors, what), call).data,
          tolerance,
        );
      check("loss", "value");
      check("class_weights", "classWeights");
      check("batch_class_dice_loss", "batchDice");
      if (gradientCalls.includes(call + 1)) {
        const { shape, data } = output(results, "gradient");
        const expected = entry(truth(vectors, "grad_logits"), gradientCalls.indexOf(call + 1));
        expectClose(`grad_logits of call ${call + 1}`, channelsFirst(shape, data), expected.data, GRADIENT);
      }
      const next = output(results, "next.history");
      history = tensor(next.data, next.shape);
    }
  });

  test("gives a call without foreground the value 0 and no gradient", async () => {
    const vectors = golden("hadfl");
    const classes = vectors.json<number>("num_classes");
    const call = vectors.json<number>("call_without_foreground_1based") - 1;
    const logits = channelsLast(entry(vectors.array("logits"), call));
    const loss = hadfl({ classes, presence: "crop" });
    const results = await run(lossFunction(loss, classes), {
      logits,
      labels: integers(entry(vectors.array("labels"), call)),
      annotated: ones([logits.shape[0] ?? 0, classes]),
      ...loss.init(),
    });
    expect(scalarOutput(results, "value")).toBe(0);
    expect(output(results, "gradient").data.every((value) => value === 0)).toBe(true);
  });
});

function annotationOf(vectors: GoldenCase, call: number, shape: [number, number]): Tensor {
  if (!vectors.names.includes("annotated")) return ones(shape);
  return annotatedWithBackground(integers(entry(vectors.array("annotated"), call)));
}
