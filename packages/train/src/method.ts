import type { LossResult, LossState, Network, PartialTarget } from "@plseg/core";
import type { Scalar, Tensor5D } from "@tensorflow/tfjs-core";
import type { ObjectiveSettings } from "./objective-settings.js";

/** What a method's objective sees besides logits and target. */
export interface ObjectiveContext {
  /** How far training is, in [0, 1]: steps done over steps planned. */
  readonly progress: Scalar;
}

/** What a method minimizes: a loss over the logits of all scales, finest first. */
export interface Objective {
  /** The state before the first step. */
  init(): LossState;
  /**
   * The loss of a batch and the state after it.
   *
   * @param pyramid - Logits `[batch, depth, height, width, class]` of each scale, finest first.
   */
  compute(pyramid: readonly Tensor5D[], target: PartialTarget, state: LossState, context: ObjectiveContext): LossResult;
}

/** What an objective is made for. */
export interface ObjectiveOptions {
  /** Classes, background included. */
  readonly classes: number;
  /** Number of scales at which the network gives logits. */
  readonly scales: number;
  /** Weights and constants of its parts; those that it does not have are left out. */
  readonly settings?: Partial<ObjectiveSettings>;
}

/** A way to learn from partially labeled scans. */
export interface Method {
  /** What `--method` and `config.json` call it. */
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  /** Whether its objective wants logits at several scales. */
  readonly deepSupervision: boolean;
  /** What it minimizes. */
  objective(options: ObjectiveOptions): Objective;
}

/** A method and the network that it trains. */
export interface Task {
  /** Gives logits at every scale that the objective supervises. */
  readonly network: Network;
  /** What is minimized. */
  readonly objective: Objective;
  /** Classes, background included. */
  readonly classes: number;
}
