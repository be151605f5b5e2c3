import type { SegmentationLoss } from "@plseg/core";
import { exclusionLoss, marginalExclusionLoss, marginalLoss } from "@plseg/losses";
import { channelsLast, expectClose, golden } from "@plseg/test-kit";
import { ones } from "@tensorflow/tfjs-core";
import { describe, test } from "vitest";
import { type Engine, engines } from "./engines.js";
import { integers, truth } from "./golden-tensors.js";
import { type LossValues, oneHotOf, runLoss, withBackground } from "./stateless-loss.js";
import { GRADIENT, LOSS } from "./tolerances.js";

/** Runs a loss on the logits, labels and annotation of a golden case. */
function results(run: Engine["run"], name: string, loss: SegmentationLoss): Promise<LossValues> {
  const vectors = golden(name);
  const classes = vectors.json<number>("num_classes");
  const logits = channelsLast(vectors.array("logits"));
  return runLoss(run, loss, {
    logits,
    oneHot: oneHotOf(integers(vectors.array("labels")), classes),
    annotated: vectors.names.includes("annotated")
      ? withBackground(integers(vectors.array("annotated")))
      : ones([logits.shape[0] ?? 0, classes]), // not read
  });
}

/** Holds results against the arrays `loss<suffix>` and `grad_logits<suffix>` of a case. */
function expectLoss({ value, gradient }: LossValues, name: string, suffix = ""): void {
  const vectors = golden(name);
  expectClose(`loss${suffix}`, [value], truth(vectors, `loss${suffix}`).data, LOSS);
  expectClose(`grad_logits${suffix}`, gradient, truth(vectors, `grad_logits${suffix}`).data, GRADIENT);
}

/** A term of a loss. */
function term({ terms }: LossValues, name: string): Float32Array {
  const values = terms[name];
  if (!values) throw new Error(`term: there is no "${name}"; there are ${Object.keys(terms).join(", ")}.`);
  return values;
}

const [ONLY_CROSS_ENTROPY, ONLY_DICE] = [
  { crossEntropyWeight: 1, diceWeight: 0 },
  { crossEntropyWeight: 0, diceWeight: 1 },
];

describe.each(engines)("marginalLoss, $name", ({ run }) => {
  test.each([
    { suffix: "", options: {} },
    { suffix: "_ce", options: ONLY_CROSS_ENTROPY },
    { suffix: "_dice", options: ONLY_DICE },
    { suffix: "_dice_sum", options: { ...ONLY_DICE, diceReduction: "sum" } },
  ] as const)("agrees with loss$suffix of case marginal_paper", async ({ suffix, options }) => {
    expectLoss(await results(run, "marginal_paper", marginalLoss(options)), "marginal_paper", suffix);
  });

  test("gives the terms of case marginal_paper", async () => {
    const vectors = golden("marginal_paper");
    const arrays = await results(run, "marginal_paper", marginalLoss());
    for (const [ours, theirs] of [
      ["crossEntropy", "loss_ce"],
      ["dice", "loss_dice"],
    ] as const)
      expectClose(theirs, term(arrays, ours), truth(vectors, theirs).data, LOSS);
    const expected = Array.from(truth(vectors, "dice_terms").data, Number);
    const mergedAsZero = expected.map((value) => (Number.isNaN(value) ? 0 : value));
    expectClose("dice_terms", term(arrays, "classDice"), mergedAsZero, LOSS);
  });

  test.each([
    { suffix: "", options: {} },
    { suffix: "_ce", options: ONLY_CROSS_ENTROPY },
    { suffix: "_dc", options: ONLY_DICE },
  ])("agrees with loss$suffix of case marginal", async ({ suffix, options }) => {
    const loss = marginalLoss({ compat: "reference", ...options });
    expectLoss(await results(run, "marginal", loss), "marginal", suffix);
  });
});

describe.each(engines)("exclusionLoss, $name", ({ run }) => {
  test.each([
    { suffix: "", options: {} },
    { suffix: "_ce", options: ONLY_CROSS_ENTROPY },
    { suffix: "_dice", options: ONLY_DICE },
  ])("agrees with loss$suffix of case exclusion_paper", async ({ suffix, options }) => {
    const arrays = await results(run, "exclusion_paper", exclusionLoss(options));
    expectLoss(arrays, "exclusion_paper", suffix);
    const vectors = golden("exclusion_paper");
    expectClose("dice_terms", term(arrays, "classDice"), truth(vectors, "dice_terms").data, LOSS);
  });
});

describe.each(engines)("marginalExclusionLoss, $name", ({ run }) => {
  test("agrees with case marginal_exclusion and its parts", async () => {
    const arrays = await results(run, "marginal_exclusion", marginalExclusionLoss({ compat: "reference" }));
    expectLoss(arrays, "marginal_exclusion");
    const vectors = golden("marginal_exclusion");
    expectClose("loss_no_ex", term(arrays, "marginal"), truth(vectors, "loss_no_ex").data, LOSS);
    const expected = truth(vectors, "exclusion_term").data;
    expectClose("exclusion_term", term(arrays, "exclusion"), expected, { relative: 1e-5 });
  });

  test("agrees with case marginal_exclusion without exclusion", async () => {
    const loss = marginalExclusionLoss({ compat: "reference", exclusionWeight: 0 });
    expectLoss(await results(run, "marginal_exclusion", loss), "marginal_exclusion", "_no_ex");
  });

  test("agrees with case marginal_exclusion_v2", async () => {
    const loss = marginalExclusionLoss({ compat: "reference-v2" });
    expectLoss(await results(run, "marginal_exclusion_v2", loss), "marginal_exclusion_v2");
  });

  test("adds the weighted exclusion loss to case marginal_paper", async () => {
    const arrays = await results(run, "marginal_paper", marginalExclusionLoss({ exclusionWeight: 2 }));
    const exclusion = await results(run, "marginal_paper", exclusionLoss());
    const marginal = truth(golden("marginal_paper"), "loss").data;
    expectClose("marginal", term(arrays, "marginal"), marginal, LOSS);
    expectClose("exclusion", term(arrays, "exclusion"), [exclusion.value], LOSS);
    const total = Number(marginal[0]) + 2 * exclusion.value;
    expectClose("total", [arrays.value], [total], LOSS);
  });
});
