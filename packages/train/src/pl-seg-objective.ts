import { ConfigError, type LossState, type PartialTarget, type SegmentationLoss, withDefaults } from "@plseg/core";
import { cocl, psd } from "@plseg/losses";
import { resizeNearest } from "@plseg/ops";
import { add, addN, div, exp, mul, type Scalar, square, sub, type Tensor, type Tensor5D } from "@tensorflow/tfjs-core";
import type { Objective } from "./objective.js";

/** Weights of the parts of {@link plSegObjective}. */
export interface PlSegObjectiveOptions {
  /** Number of scales that are supervised. */
  readonly scales?: number;
  /** Weight of the contrastive term. 0 leaves it out. */
  readonly contrastiveWeight?: number;
  /** Weight of the distillation at the end of its ramp. 0 leaves it out. */
  readonly distillationWeight?: number;
  /** Temperature of the distillation. */
  readonly temperature?: number;
  /** How much the supervision of each scale counts, finest first, relative to the others. */
  readonly scaleWeights?: "equal" | readonly number[];
}

/** What {@link plSegObjective} uses where an option is missing: the published recipe. */
export const PL_SEG_OBJECTIVE_DEFAULTS: Required<PlSegObjectiveOptions> = {
  scales: 4,
  contrastiveWeight: 0.1,
  distillationWeight: 0.1,
  temperature: 10,
  scaleWeights: "equal",
};

/**
 * The objective of PL-Seg: supervision at every scale, ramped distillation from fine to coarse, and classes kept apart.
 *
 *     Σ_k s_k · supervised_k(logits_k, target_k) / Σ_k s_k + w(t) · psd(logits_1 … logits_K) + 0.1 · cocl(logits_1)
 *     w(t) = 0.1 · exp(−5 (1 − t)²)                 t: share of the training done
 *
 * Labels of coarser scales are the nearest voxels of the full-resolution label. Each scale has a state of its own.
 *
 * @param supervised - Makes the supervised loss of one scale; called once per scale.
 * @throws ConfigError unless there is a weight of at least 0 for each scale, one of them above 0.
 * @see PL-Seg, Medical Image Analysis 2026, vol. 108, 103885.
 */
export function plSegObjective(supervised: () => SegmentationLoss, options: PlSegObjectiveOptions = {}): Objective {
  const { scales, contrastiveWeight, distillationWeight, temperature, scaleWeights } = withDefaults(
    PL_SEG_OBJECTIVE_DEFAULTS,
    options,
  );
  checkScaleWeights(scaleWeights, scales);
  const losses = Array.from({ length: scales }, supervised);
  const contrast = cocl();
  const distill = psd({ temperature });
  return {
    init: () => Object.assign({}, ...losses.map((loss, scale) => prefixed(`${scale}.`, loss.init()))),
    compute(pyramid, target, state, { progress }) {
      const results = losses.map((loss, scale) => {
        const logits = pyramid[scale] as Tensor5D;
        return loss.compute(logits, atScale(target, logits), unprefixed(`${scale}.`, state));
      });
      const supervisedTerm = weightedMean(
        results.map(({ value }) => value),
        scaleWeights,
      );
      const terms: Record<string, Tensor> = { supervised: supervisedTerm };
      let value: Scalar = supervisedTerm;
      if (distillationWeight > 0 && scales > 1) {
        const distillation = distill(pyramid.slice(0, scales));
        const ramp = mul(exp(mul(square(sub(1, progress)), -5)), distillationWeight);
        value = add(value, mul(ramp, distillation));
        terms.distillation = distillation;
      }
      if (contrastiveWeight > 0) {
        const contrastive = contrast(pyramid[0] as Tensor5D);
        value = add(value, mul(contrastive, contrastiveWeight));
        terms.contrastive = contrastive;
      }
      for (const [scale, result] of results.entries()) Object.assign(terms, prefixed(`${scale}.`, result.terms));
      const states = results.map((result, scale) => prefixed(`${scale}.`, result.state));
      return { value, state: Object.assign({}, ...states), terms };
    },
  };
}

function checkScaleWeights(weights: "equal" | readonly number[], scales: number): void {
  if (weights === "equal") return;
  if (weights.length === scales && weights.every((weight) => weight >= 0) && weights.some((weight) => weight > 0))
    return;
  throw new ConfigError(
    `plSegObjective: scaleWeights must be ${scales} numbers of at least 0, one for each scale, got [${weights.join(", ")}].`,
  );
}

function weightedMean(values: readonly Scalar[], weights: "equal" | readonly number[]): Scalar {
  if (weights === "equal") return div(addN([...values]), values.length);
  const total = weights.reduce((sum, weight) => sum + weight);
  return div(addN(values.map((value, scale) => mul(value, weights[scale] ?? 0) as Scalar)), total);
}

function atScale({ oneHot, annotated }: PartialTarget, logits: Tensor5D): PartialTarget {
  const [, depth, height, width] = logits.shape;
  return { oneHot: resizeNearest(oneHot, [depth, height, width]), annotated };
}

const prefixed = (prefix: string, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));

const unprefixed = (prefix: string, state: LossState): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(state)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
