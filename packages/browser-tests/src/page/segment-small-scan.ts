import type { LabelMap } from "@plseg/core";
import { makePhantom } from "@plseg/data";
import { type LoadedBundle, type SegmentOptions, segmentVolume } from "@plseg/runtime";

/** Segments a small phantom, by windows that hardly overlap: WebGPU in software is slow. */
export const segmentSmallScan = (bundle: LoadedBundle, options: SegmentOptions = {}): Promise<LabelMap> =>
  segmentVolume(bundle, makePhantom({ size: [16, 20, 24], spacing: [4, 3, 3] }).image, { ...options, overlap: 0 });
