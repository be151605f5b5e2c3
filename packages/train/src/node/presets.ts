import type { PresetName } from "../names.js";
import { OBJECTIVE_DEFAULTS } from "../objective-settings.js";
import { OPTIMIZER_DEFAULTS } from "../optimizer-settings.js";
import { SCHEDULE_DEFAULTS } from "../schedule.js";
import type { TrainSettings } from "./train-settings.js";

/**
 * Settings that belong together: the published recipe of PL-Seg for WORD (the README says where it is left, and why), the best
 * known here, and one for trying things out.
 */
export const PRESETS: Readonly<Record<PresetName, TrainSettings>> = {
  paper: {
    features: [16, 32, 64, 128],
    dropout: [0, 0, 0.1, 0.2],
    spacing: "auto",
    patchSize: [96, 128, 128],
    batch: 4,
    steps: { epochs: 500 },
    optimizer: { name: "adam", ...OPTIMIZER_DEFAULTS.adam },
    learningRate: 0.01,
    schedule: { name: "plateau", ...SCHEDULE_DEFAULTS.plateau },
    warmup: 0,
    clipNorm: 0,
    averageDecay: 0,
    objective: OBJECTIVE_DEFAULTS,
    foreground: 0,
    intensity: "scan-range",
    augmentation: "none",
    validateEvery: { epochs: 2 },
    validation: 0.17,
    checkpointEvery: { epochs: 2 },
    seed: 1,
  },
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
