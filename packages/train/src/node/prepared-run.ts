import type { Network } from "@plseg/core";
import type { CachedCase } from "@plseg/data/node";
import type { FlatLayout } from "@plseg/models";
import type { Method } from "../method.js";
import type { TrainState } from "../train.js";
import type { RunConfig } from "./run-config.js";
import type { RunLock } from "./run-lock.js";
import type { RunProgress } from "./run-progress.js";
import type { TrainRunOptions } from "./train-run-options.js";

/** A run that is ready to train. */
export interface PreparedRun {
  readonly options: TrainRunOptions;
  readonly lock: RunLock;
  readonly config: RunConfig;
  readonly method: Method;
  readonly network: Network;
  readonly layout: FlatLayout;
  /** What the network begins with; drawn from the seed without it. */
  readonly weights?: { readonly parameters: Float32Array; readonly buffers: Float32Array };
  /** Cases to learn from. */
  readonly training: readonly CachedCase[];
  /** Cases to validate with. */
  readonly held: readonly CachedCase[];
}

/** Where a training begins or goes on. */
export interface StartingPoint {
  /** Weights are drawn from the seed without it. */
  readonly state?: TrainState;
  readonly progress: RunProgress;
  /** Whether the run's last checkpoint is this already. */
  readonly stored: boolean;
  /** Writes what a run begins with, once it is known that it can train. */
  readonly begin?: () => Promise<void>;
}

/** Whether something that is done every so many steps, and after the last, is due after a step. */
export function isDue(every: number, step: number, { steps }: RunConfig): boolean {
  return every > 0 && (step % every === 0 || step === steps);
}
