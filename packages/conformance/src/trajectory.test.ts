import { hadfl } from "@plseg/losses";
import { flatWeights, referenceUnetState } from "@plseg/models";
import { expectClose, type GoldenCase, golden } from "@plseg/test-kit";
import { adam, type Optimizer, plSegObjective, sgd, trainStep } from "@plseg/train";
import type { Tensor, Tensor1D, Tensor5D } from "@tensorflow/tfjs-core";
import { scalar, tensor } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { type Arrays, engines, type TensorFunction, type Tensors } from "./engines.js";
import type { StateEntry } from "./formula-weights.js";
import { integers, output, scalarOutput, truth } from "./golden-tensors.js";
import { referenceUnet } from "./reference-unet.js";
import { LOSS } from "./tolerances.js";

/** A trajectory: what it is trained with, and how far it may drift (SPEC.md section 7.1). */
interface Trajectory {
  readonly name: string;
  readonly optimizer: Optimizer;
  /** Relative drift of the total at a step (from 0). */
  allowedDrift(step: number): number;
  /** Mean and largest difference of the final logits. */
  readonly final: { readonly mean: number; readonly largest: number };
}

const trajectories: readonly Trajectory[] = [
  { name: "trajectory", optimizer: adam(), allowedDrift: driftOfAdam, final: { mean: 0.01, largest: Infinity } },
  {
    name: "trajectory_sgd",
    optimizer: sgd({ momentum: 0.9 }),
    allowedDrift: () => 1e-6,
    final: { mean: 2e-5, largest: 2e-5 },
  },
];

/** Kinks make it grow. */
function driftOfAdam(step: number): number {
  if (step < 2) return 2e-6;
  if (step < 6) return 2e-5;
  return step < 11 ? 2e-4 : 1e-3;
}

/** The reference's state for other widths: names and kinds as in case net_progcon. */
function stateFor(vectors: GoldenCase): StateEntry[] {
  const config = { classes: vectors.json<number>("class_num"), features: vectors.json<number[]>("feature_chns") };
  const shapes = new Map(referenceUnetState(config).map(({ name, shape }) => [name, shape]));
  return golden("net_progcon")
    .json<StateEntry[]>("state_dict")
    .map(([name, , kind]): StateEntry => [name, shapes.get(name) ?? [1], kind]);
}

/** The training of a case, ready to run. */
function trainingOf({ name, optimizer }: Pick<Trajectory, "name" | "optimizer">) {
  const vectors = golden(name);
  const classes = vectors.json<number>("class_num");
  const unet = referenceUnet(vectors, stateFor(vectors));
  const { shape, data } = vectors.array("image");
  const [batch = 1, , depth = 1, height = 1, width = 1] = shape;
  const objective = plSegObjective(() => hadfl({ classes, presence: "crop" }), {
    contrastiveWeight: vectors.json<number>("alpha"),
    temperature: vectors.json<number>("temperature"),
  });
  const step = trainStep({
    network: unet.network,
    objective,
    classes,
    optimizer,
    patchSize: [depth, height, width],
    batch,
  });
  const zeros = (vector: string): Tensor =>
    tensor(new Float32Array(unet.parameters.length), step.state[vector]?.shape as [number]);
  const start: Tensors = {
    parameters: tensor(unet.parameters),
    buffers: tensor(unet.buffers),
    ...Object.fromEntries(optimizer.vectors.map((vector) => [`optimizer.${vector}`, zeros(`optimizer.${vector}`)])),
    ...Object.fromEntries(Object.entries(objective.init()).map(([history, value]) => [`loss.${history}`, value])),
  };
  const weight = vectors.json<number>("consistency_weight");
  const image = tensor(data as Float32Array, [batch, depth, height, width, 1]);
  const constants: Tensors = {
    image,
    labels: integers(vectors.array("labels")),
    annotated: tensor(new Float32Array(batch * classes), [batch, classes]),
    learningRate: scalar(0.01),
    progress: scalar(1 - Math.sqrt(Math.log(0.1 / weight) / 5)), // w = 0.1 exp(−5 (1 − t)²), solved for t
    seed: scalar(0),
  };
  /** What the step hands to the next one. */
  const nextState = (outputs: Arrays): Tensors =>
    Object.fromEntries(
      Object.keys(step.state).map((name) => {
        const { data, shape } = output(outputs, name);
        return [name, tensor(data, shape)];
      }),
    );
  /** Full-resolution logits in training mode. */
  const trainModeLogits = ({ image, parameters, buffers }: Tensors): Tensors => {
    const { weights } = flatWeights(unet.layout, parameters as Tensor1D, buffers as Tensor1D);
    const [logits] = unet.network(weights, image as Tensor5D, { training: true });
    return { logits: logits as Tensor };
  };
  return { vectors, classes, image, step, start, constants, nextState, trainModeLogits };
}

const runs = trajectories.flatMap((trajectory) =>
  engines.map((engine) => ({ ...trajectory, engine: engine.name, run: engine.run })),
);

describe.each(runs)("15 steps of case $name, $engine", ({ run, allowedDrift, final, ...trajectory }) => {
  const { vectors, classes, image, step, start, constants, nextState, trainModeLogits } = trainingOf(trajectory);
  const steps = vectors.json<number>("steps");
  const outputs: Arrays[] = [];
  let state = start;

  beforeAll(async () => {
    for (let k = 1; k <= steps; k++) {
      const result = await run(step.fn as TensorFunction, { ...state, ...constants, step: scalar(k) });
      outputs.push(result);
      state = nextState(result);
    }
  }, 300_000);

  test.each(Array.from({ length: steps }, (_, k) => k))("step %i has the reference's losses", (k) => {
    const result = stepOutput(outputs, k);
    const drift = allowedDrift(k);
    for (const [ours, theirs] of [
      ["loss", "total"],
      ["term.supervised", "supervised"],
      ["term.distillation", "distillation"],
      ["term.contrastive", "cocl"],
    ] as const)
      expectClose(`${theirs} at step ${k}`, [scalarOutput(result, ours)], [Number(truth(vectors, theirs).data[k])], {
        relative: drift,
      });
  });

  test.each([0, 1])("step %i has the reference's class weights at every scale", (k) => {
    const weights = truth(vectors, "class_weights").data as Float64Array;
    for (let scale = 0; scale < 4; scale++) {
      const start = (k * 4 + scale) * classes;
      const ours = output(stepOutput(outputs, k), `term.${scale}.classWeights`).data;
      // the background's weight is never used
      expectClose(`scale ${scale}`, ours.slice(1), weights.slice(start + 1, start + classes), LOSS);
    }
  });

  test("the first step has the reference's gradient norm", () => {
    const { shape, data } = truth(vectors, "grad_norm");
    const squares = Array.from(data as Float64Array)
      .slice(0, shape[1])
      .map((norm) => norm ** 2);
    const norm = Math.sqrt(squares.reduce((sum, square) => sum + square));
    expectClose("gradient norm", [scalarOutput(stepOutput(outputs, 0), "gradientNorm")], [norm], { relative: 1e-5 });
  });

  test("the trained network gives the reference's logits in the middle slice", async () => {
    const { parameters, buffers } = state;
    const result = await run(trainModeLogits, {
      parameters: parameters as Tensor,
      buffers: buffers as Tensor,
      image,
    });
    const expected = truth(vectors, "final_out");
    const { data } = output(result, "logits");
    const [batch, depth, height, width] = image.shape as [number, number, number, number];
    const slice = depth >> 1;
    const differences: number[] = [];
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < classes; c++)
        for (let v = 0; v < height * width; v++) {
          const ours = data[((n * depth + slice) * height * width + v) * classes + c] as number;
          differences.push(Math.abs(ours - Number(expected.data[(n * classes + c) * height * width + v])));
        }
    expect(differences.reduce((sum, difference) => sum + difference) / differences.length).toBeLessThan(final.mean);
    expect(Math.max(...differences)).toBeLessThan(final.largest);
  });
});

function stepOutput(outputs: readonly Arrays[], k: number): Arrays {
  const result = outputs[k];
  if (!result) throw new Error(`the run ended before step ${k}.`);
  return result;
}
