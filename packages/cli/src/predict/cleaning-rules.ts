import { type ClassSet, ConfigError } from "@plseg/core";
import type { CleaningRule } from "@plseg/data";
import type { BundleManifest } from "@plseg/runtime";

/** What is cleared from label maps, by organ. */
export interface Cleaning {
  /** Organs of which only the largest part stays: all, or those named. */
  readonly largestComponent?: "all" | readonly string[];
  /** Parts smaller than so many milliliters go: of every organ, or by organ. */
  readonly minVolume?: number | Readonly<Record<string, number>>;
  /** Whether parts hang together by faces alone (6), or by edges and corners too (26, the default). */
  readonly connectivity?: 6 | 26;
}

/**
 * The rules by value in the label map.
 *
 * @throws ConfigError if there is no such organ, a volume cannot be, or the background is not 0, which cleared voxels become.
 */
export function cleaningRules(
  { largestComponent = [], minVolume = {} }: Cleaning,
  classes: ClassSet,
  manifest: BundleManifest,
): Map<number, CleaningRule> {
  const volumes = typeof minVolume === "number" ? {} : minVolume;
  for (const name of [...(largestComponent === "all" ? [] : largestComponent), ...Object.keys(volumes)])
    if (classes.indexOf(name) === 0) throw new ConfigError("predict: the background cannot be cleaned, only organs.");
  const rules = new Map<number, CleaningRule>();
  for (const { name, labelValue } of manifest.classes.slice(1)) {
    const largest = largestComponent === "all" || largestComponent.includes(name);
    const minMilliliters = typeof minVolume === "number" ? minVolume : (volumes[name] ?? 0);
    if (!(Number.isFinite(minMilliliters) && minMilliliters >= 0))
      throw new ConfigError(`predict: the least volume of ${name} must be at least 0 ml, got ${minMilliliters}.`);
    if (largest || minMilliliters > 0) rules.set(labelValue, { largest, minMilliliters });
  }
  if (rules.size > 0 && manifest.classes[0]?.labelValue !== 0)
    throw new ConfigError("predict: this model's background is not 0 in label maps, so they cannot be cleaned.");
  return rules;
}
