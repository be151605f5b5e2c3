import type { Volume } from "@plseg/core";
import { withDefaults } from "@plseg/core";
import type { Grid } from "../affine.js";
import { collectImage } from "../read-nifti.js";
import type { ReadNiftiOptions } from "../read-nifti-options.js";
import { checkGrid, RESAMPLE_DEFAULTS, type ResampleOptions, resample } from "../resample.js";
import { alignedAxes } from "../resample-axes.js";
import { sliceResampler } from "../slice-resampler.js";
import { openScan } from "./open-scan.js";

/** Options of {@link readResampled}. */
export interface ReadResampledOptions extends ResampleOptions, Omit<ReadNiftiOptions, "name"> {}

/**
 * Reads a scan (see `readScan`) onto another grid, as `resample` does, without ever holding the scan itself: it is read,
 * inflated and resampled a few slices at a time. (Between oblique grids it has to be held.)
 *
 * @param gridOf - The grid that is wanted, given the scan's: `(grid) => gridWithSpacing(canonicalGrid(grid), [1.5, 1.5, 1.5])`.
 * @throws DataError as `readScan`; ConfigError unless the target is a grid.
 */
export async function readResampled(
  path: string,
  gridOf: (grid: Grid) => Grid,
  options: ReadResampledOptions = {},
): Promise<Volume> {
  const { fill, antialias } = withDefaults(RESAMPLE_DEFAULTS, {
    ...(options.fill !== undefined && { fill: options.fill }),
    ...(options.antialias !== undefined && { antialias: options.antialias }),
  });
  const scan = await openScan(path, options);
  const target = gridOf(scan.grid);
  checkGrid("readResampled", target);
  const taps = alignedAxes(scan.grid, target, antialias);
  if (!taps) return resample(await collectImage(scan), target, { fill, antialias });
  const { shape } = scan.grid;
  const resampler = sliceResampler(shape, target, taps, fill);
  const area = shape[1] * shape[2];
  for await (const slab of scan.slabs())
    for (let at = 0; at < slab.length; at += area) resampler.push(slab.subarray(at, at + area));
  return resampler.finish();
}
