import { type Fingerprint, PLAN_DEFAULTS, type Plan, planFrom } from "@plseg/data";
import type { TrainSettings } from "./train-settings.js";

/** Channels of the finest level for which `PLAN_DEFAULTS.bytesPerVoxel` holds; memory grows with them. */
const CHANNELS = 16;

/** What {@link planRun} decides by. */
export interface PlanRunOptions {
  /** Describes the dataset; called only if something follows from it. */
  readonly fingerprint: () => Promise<Fingerprint>;
  /** Decides what the settings leave to it. */
  readonly plan?: Plan | undefined;
  /** Bytes that a training step may take. */
  readonly memory?: number;
}

/**
 * The plan of a training: what the settings say, else what a given plan says, else what follows from the dataset (see
 * `planFrom` of `@plseg/data`), for the network of the settings.
 *
 * @throws ConfigError if memory cannot hold the smallest patch.
 */
export async function planRun(
  settings: TrainSettings,
  { fingerprint, plan: given, memory }: PlanRunOptions,
): Promise<Plan> {
  const { batch, accumulate, features } = settings;
  const spacing = settings.spacing === "auto" ? (given?.spacing ?? "auto") : settings.spacing;
  const patchSize = settings.patchSize === "auto" ? (given?.patchSize ?? "auto") : settings.patchSize;
  const intensity = settings.intensity === "auto" ? (given?.intensity ?? "auto") : settings.intensity;
  const follows = [spacing, patchSize, intensity].some((value) => value === "auto" || value === "percentiles");
  const [finest = CHANNELS] = features;
  const made = planFrom(follows ? await fingerprint() : NO_DATA, {
    ...{ spacing, patchSize, intensity, batch: batch / accumulate },
    bytesPerVoxel: (PLAN_DEFAULTS.bytesPerVoxel * finest) / CHANNELS,
    multiple: 2 ** (features.length - 1),
    ...(memory !== undefined && { memory }),
  });
  if (!given) return made;
  const kept = (["spacing", "patchSize", "intensity"] as const).filter((key) => settings[key] === "auto");
  const reasons = Object.fromEntries(kept.map((key) => [key, given.reasons[key] ?? "as the given plan says"]));
  return { ...made, reasons: { ...made.reasons, ...reasons } };
}

const NO_DATA: Fingerprint = { version: 1, cases: [], intensity: null, classes: [] };
