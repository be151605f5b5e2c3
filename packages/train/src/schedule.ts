import { ConfigError } from "@plseg/core";
import { PLATEAU_DEFAULTS, type PlateauOptions } from "./reduce-on-plateau.js";

/** How the learning rate changes over a training, with all of its options. */
export type Schedule =
  | { readonly name: "constant" }
  | {
      readonly name: "polynomial";
      /** Of what is left of the training. */
      readonly power: number;
    }
  | {
      readonly name: "cosine";
      /** Learning rate that it ends at. */
      readonly minLearningRate: number;
    }
  | {
      readonly name: "multistep";
      /** Shares of the training after which the learning rate is reduced, each in (0, 1). */
      readonly at: number[];
      /** What a reduction multiplies the learning rate by. */
      readonly factor: number;
    }
  | ({ readonly name: "plateau" } & Required<PlateauOptions>);

/** Options of each schedule where they are not given. */
export const SCHEDULE_DEFAULTS: {
  readonly [Name in Schedule["name"]]: Omit<Extract<Schedule, { readonly name: Name }>, "name">;
} = {
  constant: {},
  polynomial: { power: 0.9 },
  cosine: { minLearningRate: 0 },
  multistep: { at: [0.5, 0.75], factor: 0.1 },
  plateau: PLATEAU_DEFAULTS,
};

/** Where a training is, for {@link learningRateAt}. */
export interface SchedulePlace {
  /** From 1 to `steps`. */
  readonly step: number;
  /** Steps in all. */
  readonly steps: number;
  /** Before warm-up and schedule; with the schedule `plateau`, what it has come down to by now. */
  readonly learningRate: number;
  /** Steps over which the learning rate grows from 0 to that of the schedule; 0 for none. */
  readonly warmup?: number;
}

/**
 * The learning rate of a step.
 *
 *     min(1, step / warmup) · …                 t = (step − 1) / steps
 *     constant, plateau:  lr
 *     polynomial:         lr · (1 − t)^power
 *     cosine:             lr_min + (lr − lr_min) · (1 + cos(π t)) / 2
 *     multistep:          lr · factor^k                          k: how many of `at` are at most t
 *
 * @throws ConfigError if the warm-up is longer than the training.
 * @see Isensee et al., nnU-Net, Nature Methods 2021, for the polynomial; Loshchilov & Hutter, ICLR 2017,
 * https://arxiv.org/abs/1608.03983, for the cosine. They agree with PyTorch `PolynomialLR`, `CosineAnnealingLR` and
 * `MultiStepLR`.
 */
export function learningRateAt(schedule: Schedule, { step, steps, learningRate, warmup = 0 }: SchedulePlace): number {
  if (warmup > steps)
    throw new ConfigError(
      `learningRateAt: a warm-up of ${warmup} steps must fit into the ${steps} steps of the training.`,
    );
  const grown = warmup > 0 ? Math.min(1, step / warmup) : 1;
  return grown * scheduled(schedule, learningRate, (step - 1) / steps);
}

function scheduled(schedule: Schedule, learningRate: number, t: number): number {
  switch (schedule.name) {
    case "constant":
    case "plateau":
      return learningRate;
    case "polynomial":
      return learningRate * (1 - t) ** schedule.power;
    case "cosine": {
      const { minLearningRate } = schedule;
      return minLearningRate + ((learningRate - minLearningRate) * (1 + Math.cos(Math.PI * t))) / 2;
    }
    case "multistep":
      return learningRate * schedule.factor ** schedule.at.filter((share) => share <= t).length;
  }
}
