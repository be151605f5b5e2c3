import type { Volume, VoxelArray } from "@plseg/core";
import type { BundleManifest } from "./bundle-manifest.js";

/** A CT window, in Hounsfield units. */
export interface ScanWindow {
  readonly level: number;
  readonly width: number;
}

/**
 * The window of a scan by the rule of a bundle: the same for every scan, or, for `"scan-range"`, from the lowest to the highest
 * value of this one. Values that are no numbers do not count. A scan of one value has a window of 1 around it.
 */
export function scanWindow(rule: BundleManifest["intensity"], { data }: Volume<VoxelArray>): ScanWindow {
  if (rule !== "scan-range") return rule;
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  if (!(lowest < highest)) return { level: Number.isFinite(lowest) ? lowest : 0, width: 1 };
  return { level: (lowest + highest) / 2, width: highest - lowest };
}
