import type { Plan } from "@plseg/data";
import type { Engine } from "@plseg/runtime";
import type { StepRecord } from "../step-record.js";
import type { CheckpointName } from "./checkpoint-folder.js";
import type { Incident } from "./incident.js";
import type { Origin } from "./read-origin.js";
import type { RunConfig } from "./run-config.js";
import type { TrainSettings } from "./train-settings.js";
import type { SegmentedCase, ValidationScores } from "./validate.js";

/** Options of `trainRun`. */
export interface TrainRunOptions {
  /** Folder of the dataset. */
  readonly data: string;
  /** Folder of the run; it must be empty or not exist, unless training goes on. */
  readonly out: string;
  /** Name of a method. */
  readonly method: string;
  /** Where the settings came from, for the record. */
  readonly preset: string;
  /** What can be chosen about the training; not used when it goes on. */
  readonly settings: TrainSettings;
  /** Decides what the settings leave to it (`"auto"`); one is made from the dataset without it. */
  readonly plan?: Plan;
  /** A model to begin with, from `readOrigin`: its classes come first, those that the dataset adds follow. */
  readonly origin?: Origin;
  /** Weight of that model's answers where nobody annotated what it knows; 1 unless told, 0 to let it forget. */
  readonly distillation?: number;
  /** Folder where preprocessed cases are kept for the next training; `.plseg-cache` in the dataset unless told. */
  readonly cache?: string;
  /** Threads that draw patches; 0: the training draws them itself between its steps. 1 unless told. */
  readonly workers?: number;
  /** What computes. */
  readonly engine: Engine;
  /** What was asked for, for the record. */
  readonly engineName: string;
  /** Where the engine computes, for the record. */
  readonly device: string;
  /** Go on from the last checkpoint of `out`, with the settings found there. */
  readonly resume?: boolean;
  /** Which checkpoint it goes on from; the last unless told. */
  readonly from?: CheckpointName;
  /** Kept in `manifest.json`: versions, command line. */
  readonly provenance?: Readonly<Record<string, unknown>>;
  /** Called after each case that was looked at or made ready, with what is being done. */
  readonly onPrepare?: (what: "fingerprint" | "preprocess", done: number, total: number) => void;
  /** Called with what a person should know: a lock that was taken over. */
  readonly onNotice?: (text: string) => void;
  /** Called after a step that went wrong. */
  readonly onIncident?: (incident: Incident) => void | Promise<void>;
  /**
   * Called when the folder of the run stands and the next step follows, with the number of steps done before. Once more after
   * a step that went wrong, when training has gone back.
   */
  readonly onStart?: (config: RunConfig, step: number) => void | Promise<void>;
  /** Called after each step; `steps` are all that are planned. Training waits for what it returns, as below. */
  readonly onStep?: (record: StepRecord, steps: number) => void | Promise<void>;
  /** Called with each case that a validation has segmented. */
  readonly onSegmented?: (step: number, segmented: SegmentedCase) => void | Promise<void>;
  /** Called after each validation, when its scores are in `metrics.jsonl`. */
  readonly onValidation?: (step: number, scores: ValidationScores) => void | Promise<void>;
  /** Called after the last checkpoint was written anew. */
  readonly onCheckpoint?: (step: number) => void | Promise<void>;
  /**
   * Training stops after the step in progress, and its checkpoint is written. Before the first step the promise rejects
   * with the signal's reason; cases that are ready stay so.
   */
  readonly signal?: AbortSignal;
}

/** What `trainRun` did. */
export interface TrainRunResult {
  /** What the run was made with, as in its `config.json`. */
  readonly config: RunConfig;
  /** Steps done; fewer than planned if training was stopped. */
  readonly step: number;
  /** Loss of the last step, if any was done. */
  readonly loss: number | undefined;
}
