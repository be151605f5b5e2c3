import type { Network, PartialTarget, Size3D } from "@plseg/core";
import { type FlatLayout, flatLayout, flatWeights, listWeights } from "@plseg/models";
import type { InputSpec } from "@plseg/onnx";
import { trace } from "@plseg/onnx";
import { valueAndGradients } from "@plseg/ops";
import type { TensorFunction } from "@plseg/runtime";
import {
  add,
  concat,
  div,
  minimum,
  mul,
  norm,
  oneHot,
  type Scalar,
  slice,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor5D,
  zeros,
} from "@tensorflow/tfjs-core";
import { clipGradient } from "./clip-gradient.js";
import type { Task } from "./method.js";
import type { Optimizer } from "./optimizer.js";

/** What a training step is made of. */
export interface TrainStepOptions extends Task {
  /** Turns a gradient into the next parameters. */
  readonly optimizer: Optimizer;
  /** Voxels along depth, height, width. */
  readonly patchSize: Size3D;
  /** Patches per step. */
  readonly batch: number;
  /** A gradient of a larger Euclidean norm is shortened to it; 0 or nothing: none is. */
  readonly clipNorm?: number;
  /** Share of the averaged weights that a step keeps, below 1; 0 or nothing: weights are not averaged. */
  readonly averageDecay?: number;
}

/** A whole training step as a pure function, ready for an engine. */
export interface TrainStep {
  /**
   * Forward, losses, backward, update of parameters, buffers, optimizer and loss state. Inputs and outputs by name:
   * the {@link state} in and out; `image`, `labels`, `annotated`, `learningRate`, `step`, `progress` and `seed` in;
   * `loss`, `gradientNorm` (before it is clipped) and `term.*` out. `parameters` and `buffers` are the network to use. Where
   * weights are averaged those are the averages, and the ones that gradients move are `trained.parameters` and
   * `trained.buffers`.
   */
  readonly fn: TensorFunction;
  /** Shape and type of every input. */
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** What goes in and comes out under one name, with shapes. */
  readonly state: Readonly<Record<string, { readonly shape: readonly number[] }>>;
  /** Where each weight lies in the vectors `parameters` and `buffers`. */
  readonly layout: FlatLayout;
}

/** Dropout seeds lie in [0, this). */
export const SEEDS = 4093;

/** Before the names of the loss state. */
export const LOSS_STATE = "loss.";

const OPTIMIZER = "optimizer.";
/** Before the names of the weights that gradients move, where others are their averages. */
export const TRAINED = "trained.";

/**
 * Builds the training step of a method: one function from (state, batch) to the next state and the loss.
 *
 * `image` is `[batch, depth, height, width, 1]`, `labels` class indices `[batch, depth, height, width]` (int32) with
 * unannotated organs as 0, `annotated` `[batch, class]` of 0 and 1. `step` counts from 1; `progress` is in [0, 1].
 *
 * Averaged weights: a = d a + (1 − d) w with d = min(averageDecay, (1 + step) / (10 + step)), for parameters and buffers.
 */
export function trainStep(options: TrainStepOptions): TrainStep {
  const { classes, patchSize, batch } = options;
  const { layout, state, backward, update } = stepParts(options);
  const [depth, height, width] = patchSize;
  return {
    fn(inputs) {
      const { gradient, buffers, ...rest } = backward(inputs);
      return { ...update(inputs, gradient, buffers), ...rest };
    },
    inputs: {
      ...state,
      image: { shape: [batch, depth, height, width, 1] },
      labels: { shape: [batch, depth, height, width], dtype: "int32" },
      annotated: { shape: [batch, classes] },
      learningRate: { shape: [] },
      step: { shape: [] },
      progress: { shape: [] },
      seed: { shape: [] },
    },
    state,
    layout,
  };
}

/** The two halves of a step, for whoever runs them apart. Tensors have the names of {@link TrainStep.fn}. */
export interface StepParts extends Pick<TrainStep, "layout" | "state"> {
  /** Before the names of the weights that gradients move: nothing, or {@link TRAINED}. */
  readonly trained: string;
  /** Forward, losses, backward: the gradient and the buffers after it, loss state, terms and loss. */
  backward(inputs: Readonly<Record<string, Tensor>>): StepGradient;
  /** What the optimizer makes of a gradient: weights, averages, optimizer state and `gradientNorm`. */
  update(inputs: Readonly<Record<string, Tensor>>, gradient: Tensor1D, buffers: Tensor1D): Record<string, Tensor>;
}

/** What the first half of a step hands to the second, and what it gives beside it. */
export interface StepGradient {
  /** `[P]`. */
  readonly gradient: Tensor1D;
  /** `[B]`, after the step. */
  readonly buffers: Tensor1D;
  readonly [name: string]: Tensor;
}

/** The two halves of a step. */
export function stepParts(options: Omit<TrainStepOptions, "patchSize" | "batch">): StepParts {
  const { network, objective, classes, optimizer, clipNorm = 0, averageDecay = 0 } = options;
  const { layout } = describeNetwork(network);
  const weights = {
    parameters: { shape: [layout.parameterCount] },
    buffers: { shape: [layout.bufferCount] },
  };
  const state: Record<string, { shape: readonly number[] }> = { ...weights };
  const trained = averageDecay > 0 ? TRAINED : "";
  for (const [name, value] of Object.entries(weights)) state[trained + name] = value;
  for (const name of optimizer.vectors) state[OPTIMIZER + name] = { shape: [layout.parameterCount] };
  for (const { name, shape } of trace(() => objective.init(), {}).outputs) state[LOSS_STATE + name] = { shape };

  const backward = (inputs: Readonly<Record<string, Tensor>>): StepGradient => {
    const tensor = <T extends Tensor>(name: string): T => inputs[name] as T;
    const target: PartialTarget = {
      oneHot: oneHot(tensor("labels"), classes, 1, 0, "float32") as Tensor5D,
      annotated: tensor<Tensor2D>("annotated"),
    };
    const flat = flatWeights(layout, tensor<Tensor1D>(`${trained}parameters`), tensor<Tensor1D>(`${trained}buffers`));
    const { value, aux, gradients } = valueAndGradients(() => {
      const pyramid = network(flat.weights, tensor<Tensor5D>("image"), {
        training: true,
        seed: tensor<Scalar>("seed"),
      });
      const result = objective.compute(pyramid, target, selected(LOSS_STATE, inputs), {
        progress: tensor<Scalar>("progress"),
        image: tensor<Tensor5D>("image"),
      });
      return {
        value: result.value,
        aux: { buffers: flat.nextBuffers(), ...renamed(LOSS_STATE, result.state), ...renamed("term.", result.terms) },
      };
    }, flat.tensors);
    return { ...aux, gradient: flat.packGradients(gradients), loss: value };
  };

  const update: StepParts["update"] = (inputs, gradient, buffers) => {
    const parameters = inputs[`${trained}parameters`] as Tensor1D;
    const gradientNorm = norm(gradient) as Scalar;
    const updated = optimizer.update(
      parameters,
      clipNorm > 0 ? clipGradient(gradient, gradientNorm, clipNorm) : gradient,
      selected(OPTIMIZER, inputs) as Record<string, Tensor1D>,
      {
        learningRate: inputs.learningRate as Scalar,
        step: inputs.step as Scalar,
        decaying: () => kernels(layout, parameters),
      },
    );
    const next = { parameters: updated.parameters, buffers };
    return {
      ...renamed(trained, next),
      ...(averageDecay > 0 && averaged(next, inputs, averageDecay)),
      ...renamed(OPTIMIZER, updated.state),
      gradientNorm,
    };
  };

  return { layout, state, trained, backward, update };
}

/** The kernels in a vector of parameters, and 0 where biases and the weights of norms lie. */
function kernels({ parameters: weights }: FlatLayout, parameters: Tensor1D): Tensor1D {
  return concat(
    weights.map(({ offset, size, shape }) => (shape.length > 1 ? slice(parameters, offset, size) : zeros([size]))),
  );
}

/** The averages of the weights after a step, by the names of the weights. */
function averaged(
  next: Readonly<Record<string, Tensor>>,
  inputs: Readonly<Record<string, Tensor>>,
  averageDecay: number,
): Record<string, Tensor> {
  const step = inputs.step as Scalar;
  const kept = minimum(div(add(step, 1), add(step, 10)), averageDecay);
  return Object.fromEntries(
    Object.entries(next).map(([name, tensor]) => [
      name,
      add(mul(inputs[name] as Tensor, kept), mul(tensor, sub(1, kept))),
    ]),
  );
}

/** Image on which weights are listed: every axis a multiple of what any network here wants. */
const PROBE = [1, 32, 32, 32, 1];

/** What there is to know of a network before it runs. */
export interface NetworkDescription {
  /** Where each weight lies in its flat vector. */
  readonly layout: FlatLayout;
  /** Number of scales at which it gives logits. */
  readonly scales: number;
}

/** Describes a network. Costs no arithmetic: it runs on symbols. */
export function describeNetwork(network: Network): NetworkDescription {
  let scales = 0;
  let layout = flatLayout([]);
  trace(() => {
    const counted: Network = (...inputs) => {
      const pyramid = network(...inputs);
      scales = pyramid.length;
      return pyramid;
    };
    layout = flatLayout(listWeights(counted, PROBE));
    return {};
  }, {});
  return { layout, scales };
}

const renamed = (prefix: string, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));

const selected = (prefix: string, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
