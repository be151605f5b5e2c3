import type { SegmentationLoss } from "@plseg/core";
import { leafDice, multiTalentLoss, targetAdaptiveLoss, taskBce, taskDice } from "@plseg/losses";
import { ones, randomUniform, type Tensor, tensor, zeros, zerosLike } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines } from "./engines.js";
import { oneHotOf, runLoss } from "./stateless-loss.js";

const losses: { name: string; loss: SegmentationLoss }[] = (["paper", "reference"] as const).flatMap((compat) => [
  { name: `leafDice, compat ${compat}`, loss: leafDice({ compat }) },
  { name: `leafDice, plain, compat ${compat}`, loss: leafDice({ compat, squared: false }) },
  { name: `targetAdaptiveLoss, compat ${compat}`, loss: targetAdaptiveLoss({ compat }) },
  { name: `multiTalentLoss, compat ${compat}`, loss: multiTalentLoss({ compat, includeBackground: true }) },
  { name: `taskDice, compat ${compat}`, loss: taskDice({ compat }) },
  { name: `taskBce, compat ${compat}`, loss: taskBce({ compat }) },
]);

const labels = randomUniform([2, 2, 3, 4], 0, 4, "int32", 3);
const labelings: { what: string; labels: Tensor }[] = [
  { what: "any labels", labels },
  { what: "background only", labels: zerosLike(labels) },
];
const annotations: { what: string; annotated: Tensor }[] = [
  { what: "all annotated", annotated: ones([2, 4]) },
  { what: "some annotated", annotated: tensor([1, 1, 0, 0, 1, 0, 0, 0], [2, 4]) },
  { what: "none annotated", annotated: zeros([2, 4]) },
];
// every channel of every voxel at one of the ends, near them, or at 0
const ends = [-1e4, -1e4, -88, 0, 0, 88, 1e4, 1e4];
const picks = randomUniform([2 * 2 * 3 * 4 * 4], 0, ends.length, "int32", 5).dataSync();
const logits = tensor(
  Array.from(picks, (pick) => ends[pick] ?? 0),
  [2, 2, 3, 4, 4],
);

describe.each(engines)("losses at their limits, $name", ({ run }) => {
  describe.each(losses)("$name", ({ loss }) => {
    const cases = labelings.flatMap((a) => annotations.map((b) => ({ ...a, ...b, what: `${a.what}, ${b.what}` })));
    test.each(cases)("stays finite with logits of ±1e4, $what", async ({ labels, annotated }) => {
      const { value, gradient } = await runLoss(run, loss, { logits, oneHot: oneHotOf(labels, 4), annotated });
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(1e5);
      expect(gradient.every(Number.isFinite)).toBe(true);
    });
  });
});
