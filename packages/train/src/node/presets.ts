import { OBJECTIVE_DEFAULTS } from "../objective-settings.js";
import { OPTIMIZER_DEFAULTS } from "../optimizer-settings.js";
import { SCHEDULE_DEFAULTS } from "../schedule.js";
import type { TrainSettings } from "./train-settings.js";

/** Settings that belong together. */
export const PRESETS: Readonly<Record<"strong" | "quick", TrainSettings>> = {
  strong: {
    features: [16, 32, 64, 128],
    dropout: [0, 0, 0.1, 0.2],
    spacing: "auto",
    patchSize: "auto",
    batch: 2,
    steps: 20_000,
    learningRate: 0.003,
    optimizer: { name: "adam", ...OPTIMIZER_DEFAULTS.adam },
    schedule: { name: "polynomial", ...SCHEDULE_DEFAULTS.polynomial },
    warmup: 0,
    clipNorm: 0,
    averageDecay: 0,
    objective: OBJECTIVE_DEFAULTS,
    foreground: 0.5,
    intensity: "auto",
    augmentation: "default",
    validateEvery: 1000,
    validation: 0.1,
    checkpointEvery: 250,
    seed: 1,
  },
  quick: {
    features: [8, 16, 32, 64],
    dropout: [0, 0, 0, 0],
    spacing: "auto",
    patchSize: [32, 32, 32],
    batch: 2,
    steps: 600,
    learningRate: 0.01,
    optimizer: { name: "adam", ...OPTIMIZER_DEFAULTS.adam },
    schedule: { name: "polynomial", ...SCHEDULE_DEFAULTS.polynomial },
    warmup: 0,
    clipNorm: 0,
    averageDecay: 0,
    objective: OBJECTIVE_DEFAULTS,
    foreground: 0.5,
    intensity: "soft-tissue",
    augmentation: "none",
    validateEvery: 0,
    validation: 0,
    checkpointEvery: 100,
    seed: 1,
  },
};
