import type { VoxelArray } from "@plseg/core";
import type { IntensityWindow } from "./window-intensity.js";

/** How intensities become [−1, 1]: through one CT window, or each scan from its lowest to its highest value. */
export type IntensityRule = Required<IntensityWindow> | "scan-range";

/** The lowest and the highest value of a scan; values that are no numbers do not count. `[0, 0]` if there is none. */
export function scanRange({ data }: { readonly data: VoxelArray }): readonly [lowest: number, highest: number] {
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return Number.isFinite(lowest) && Number.isFinite(highest) ? [lowest, highest] : [0, 0];
}

/**
 * The window of a scan by a rule: the same for every scan, or, for `"scan-range"`, from the lowest to the highest value of
 * this one. A scan of one value has a window of 1 around it.
 *
 * @param range - Of the whole scan, before it is cropped or resampled (see {@link scanRange}); asked for only if it is needed.
 */
export function scanWindow(
  rule: IntensityRule,
  range: () => readonly [lowest: number, highest: number],
): Required<IntensityWindow> {
  if (rule !== "scan-range") return rule;
  const [lowest, highest] = range();
  if (lowest === highest) return { level: lowest, width: 1 };
  return { level: (lowest + highest) / 2, width: highest - lowest };
}
