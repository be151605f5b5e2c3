import { ConfigError, type LabelMap } from "@plseg/core";
import { milliliterPerVoxel } from "./affine.js";
import { type ConnectedComponentsOptions, connectedComponents } from "./connected-components.js";

/** What stays of a label. */
export interface CleaningRule {
  /** Whether only the largest component stays; of several equal ones the first in memory. Default: `false`. */
  readonly largest?: boolean;
  /** A component stays if it has at least so many milliliters. Default: 0. */
  readonly minMilliliters?: number;
}

/** Options of {@link cleanLabels}. */
export interface CleanLabelsOptions extends ConnectedComponentsOptions {
  /** By label. A label that is not listed stays as it is. */
  readonly rules: ReadonlyMap<number, CleaningRule>;
}

/**
 * Clears the components of a label map that a rule does not let stay: they become 0. Both rules count together: a largest
 * component that is too small goes too.
 *
 * @returns A map of its own; the given one is not changed.
 * @throws ConfigError if a volume is no number of at least 0, or a rule is for label 0; what `connectedComponents` throws.
 */
export function cleanLabels(map: LabelMap, { rules, ...options }: CleanLabelsOptions): LabelMap {
  for (const [label, { minMilliliters = 0 }] of rules) {
    if (!(Number.isFinite(minMilliliters) && minMilliliters >= 0))
      throw new ConfigError(
        `cleanLabels: minMilliliters of label ${label} must be a number of at least 0, got ${minMilliliters}.`,
      );
    if (label === 0) throw new ConfigError("cleanLabels: label 0 is the background and has no rule.");
  }
  const { labels, voxels, eachRun } = connectedComponents(map, options);
  const milliliters = milliliterPerVoxel(map);
  const largest = new Map<number, number>();
  for (const [component, label] of labels.entries()) {
    const known = largest.get(label);
    if (known === undefined || (voxels[component] as number) > (voxels[known] as number)) largest.set(label, component);
  }
  const goes = Array.from(labels, (label, component) => {
    const rule = rules.get(label);
    if (!rule) return false;
    const tooSmall = (voxels[component] as number) * milliliters < (rule.minMilliliters ?? 0);
    return tooSmall || (rule.largest === true && largest.get(label) !== component);
  });
  const data = map.data.slice();
  eachRun((component, start, end) => {
    if (goes[component]) data.fill(0, start, end);
  });
  return { ...map, data };
}
