import type { Network } from "@plseg/core";
import type { Objective } from "./objective.js";
import type { ObjectiveSettings } from "./objective-settings.js";

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
